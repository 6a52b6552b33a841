//! `odbc`: rows in Salt's tables of any database that has an ODBC driver. The rows and the driver are `halite-odbc`'s.

#[cfg(feature = "odbc")]
use super::registry::Returner;
use super::registry::{Definition, Key};
use super::{Kind, SettingError, Settings};

pub(super) const DEFINITION: Definition = Definition {
    name: "odbc",
    aliases: &[],
    prefixes: &["returner.odbc", "odbc"],
    doc: "Rows in Salt's tables `salt_returns` and `jids` of a database that has an ODBC driver.",
    keys: &[
        Key(
            "dsn",
            "",
            "Name of a data source in `odbc.ini`, or a connection string: `Driver=...;Server=...`.",
        ),
        Key("user", "", "User; the data source's where not set."),
        Key("passwd", "", "Password."),
    ],
    common: &[],
    takes: &[Kind::Return, Kind::Load],
    batch_max: 256,
    at_once_max: 1,
    open,
};

#[cfg(not(feature = "odbc"))]
fn open(_: &Settings) -> Result<Box<dyn super::registry::Returner>, SettingError> {
    Err(SettingError::Feature("odbc"))
}

#[cfg(feature = "odbc")]
fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Ok(Box::new(with_driver::Odbc {
        dsn: settings.required("dsn")?,
        user: settings.text("user")?,
        password: settings.secret("passwd")?,
        busy: std::sync::Arc::default(),
    }))
}

#[cfg(feature = "odbc")]
mod with_driver {
    use crate::jobs::json;
    use crate::returners::registry::Returner;
    use crate::returners::{Delivery, DeliveryError, Item};
    use halite_odbc::{OdbcError, Row, Source};
    use halite_roster::Secret;
    use std::sync::Arc;
    use tokio::sync::{Mutex, oneshot};

    pub(super) struct Odbc {
        pub dsn: String,
        pub user: Option<String>,
        pub password: Option<Secret>,
        /// Held while a thread is in the driver.
        pub busy: Arc<Mutex<()>>,
    }

    #[async_trait::async_trait]
    impl Returner for Odbc {
        async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
            let rows: Vec<Row> = batch.iter().filter_map(|delivery| row(&delivery.item)).collect();
            let busy = self.busy.clone().try_lock_owned();
            let busy =
                busy.map_err(|_| DeliveryError::retry("the driver still hangs in an earlier attempt"))?;
            let (dsn, user, password) = (self.dsn.clone(), self.user.clone(), self.password.clone());
            let (answer, heard) = oneshot::channel();
            // A plain thread: a driver may hang longer than anybody waits, and the program's end does not wait for these.
            let thread = std::thread::Builder::new().name("odbc".to_owned()).spawn(move || {
                let password = password.as_ref().map(Secret::expose);
                let written =
                    halite_odbc::write(&Source { dsn: &dsn, user: user.as_deref(), password }, &rows);
                drop(busy);
                let _ = answer.send(written);
            });
            thread.map_err(DeliveryError::retry)?;
            heard.await.map_err(DeliveryError::retry)?.map_err(fate)
        }
    }

    fn fate(error: OdbcError) -> DeliveryError {
        if error.is_dead { DeliveryError::dead(error) } else { DeliveryError::retry(error) }
    }

    /// As Salt writes it.
    fn row(item: &Item) -> Option<Row> {
        let text = |name| item.text(name).to_owned();
        match item {
            Item::Return(_) => Some(Row::Return {
                fun: text("fun"),
                jid: text("jid"),
                retval: json::encode_ascii(item.field("return")),
                id: text("id"),
                success: item.field("success").is_truthy(),
                full_ret: json::encode_ascii(&item.to_value()),
            }),
            Item::Load(_) => Some(Row::Load { jid: text("jid"), load: json::encode_ascii(&item.to_value()) }),
            Item::Event { .. } => None,
        }
    }
}

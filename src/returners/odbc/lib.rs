//! Returns and jobs as rows of Salt's tables, in any database that has an ODBC driver.
//!
//! In: [`Row`]s and a [`Source`]. Out: they are in the tables `salt_returns (fun, jid, retval, id, success, full_ret)` and
//! `jids (jid, load)`, each once, or an [`OdbcError`]. All calls block. A crate of its own, because it is linked with the
//! machine's ODBC driver manager: what does not use it builds without one.

#[cfg(test)]
mod tests;

use odbc_api::parameter::VarWCharBox;
use odbc_api::{Bit, Connection, ConnectionOptions, Cursor, Error, ParameterCollectionRef, environment};
use odbc_api::{IntoParameter, Utf16String, escape_attribute_value};

/// Seconds until a login or a statement is given up, where the driver can.
const PATIENCE: u32 = 4;

/// Which database, and as whom.
pub struct Source<'a> {
    /// The name of a data source of `odbc.ini`, or a connection string: the latter has a `=` in it.
    pub dsn: &'a str,
    pub user: Option<&'a str>,
    pub password: Option<&'a str>,
}

/// One row; values of fields are JSON where Salt keeps JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Return { fun: String, jid: String, retval: String, id: String, success: bool, full_ret: String },
    Load { jid: String, load: String },
}

/// Why the rows are not there.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct OdbcError {
    /// Whether the database will never take one of these rows: a value does not fit its column.
    pub is_dead: bool,
    why: String,
}

impl From<Error> for OdbcError {
    fn from(error: Error) -> OdbcError {
        let state = match &error {
            Error::Diagnostics { record, .. } => record.state.as_str().to_owned(),
            _ => String::new(),
        };
        // Class 22: the data themselves are at fault.
        OdbcError { is_dead: state.starts_with("22"), why: error.to_string().replace('\n', " ") }
    }
}

/// Writes all rows in one transaction. What is there already, by job and host, stays as it is.
///
/// # Errors
/// [`OdbcError`]; none of the rows is written then.
pub fn write(source: &Source, rows: &[Row]) -> Result<(), OdbcError> {
    let options = ConnectionOptions { login_timeout_sec: Some(PATIENCE), ..ConnectionOptions::default() };
    let connection = environment()?.connect_with_connection_string(&source.connection_string(), options)?;
    connection.set_autocommit(false)?;
    let written = rows.iter().try_for_each(|row| write_row(&connection, row));
    match written {
        Ok(()) => connection.commit()?,
        // A connection in the middle of a transaction cannot be closed.
        Err(_) => connection.rollback()?,
    }
    written
}

impl Source<'_> {
    fn connection_string(&self) -> String {
        let mut text = match self.dsn.contains('=') {
            true => format!("{};", self.dsn.trim_end_matches(';')),
            false => format!("DSN={};", escape_attribute_value(self.dsn)),
        };
        for (name, value) in [("UID", self.user), ("PWD", self.password)] {
            if let Some(value) = value {
                text += &format!("{name}={};", escape_attribute_value(value));
            }
        }
        text
    }
}

fn write_row(connection: &Connection, row: &Row) -> Result<(), OdbcError> {
    match row {
        Row::Return { fun, jid, retval, id, success, full_ret } => {
            const KNOWN: &str = "SELECT COUNT(*) FROM salt_returns WHERE jid = ? AND id = ?";
            const INSERT: &str = "INSERT INTO salt_returns (fun, jid, retval, id, success, full_ret) VALUES (?, ?, ?, ?, ?, ?)";
            if is_known(connection, KNOWN, (&text(jid), &text(id)))? {
                return Ok(());
            }
            let success = Bit::from_bool(*success);
            let values = (&text(fun), &text(jid), &text(retval), &text(id), &success, &text(full_ret));
            execute(connection, INSERT, values)
        }
        Row::Load { jid, load } => {
            // Without the columns' names: databases do not agree on how to write one that is called `load`.
            const INSERT: &str = "INSERT INTO jids VALUES (?, ?)";
            if is_known(connection, "SELECT COUNT(*) FROM jids WHERE jid = ?", &text(jid))? {
                return Ok(());
            }
            execute(connection, INSERT, (&text(jid), &text(load)))
        }
    }
}

/// Text as a parameter in UTF-16, which drivers take for all of Unicode in any locale.
fn text(text: &str) -> VarWCharBox {
    Utf16String::from_str(text).into_parameter()
}

fn is_known(
    connection: &Connection,
    question: &str,
    key: impl ParameterCollectionRef,
) -> Result<bool, OdbcError> {
    let answer = connection.execute(question, key, Some(PATIENCE as usize))?;
    let Some(mut rows) = answer else { return Ok(false) };
    let Some(mut row) = rows.next_row()? else { return Ok(false) };
    let mut count = 0_i64;
    row.get_data(1, &mut count)?;
    Ok(count > 0)
}

fn execute(
    connection: &Connection,
    statement: &str,
    values: impl ParameterCollectionRef,
) -> Result<(), OdbcError> {
    connection.execute(statement, values, Some(PATIENCE as usize))?;
    Ok(())
}

//! `xmpp`: each return as a chat message.

#[cfg(feature = "xmpp")]
mod answers;
#[cfg(feature = "xmpp")]
mod bounds;
#[cfg(feature = "xmpp")]
mod driver;
#[cfg(feature = "xmpp")]
mod login;
#[cfg(feature = "xmpp")]
mod stream;
#[cfg(all(test, feature = "xmpp"))]
mod tests;

use super::registry::{Definition, Key, RETURNS_AND_EVENTS};
#[cfg(not(feature = "xmpp"))]
use super::{SettingError, Settings, registry::Returner};

#[cfg(feature = "xmpp")]
use driver::open;

pub(super) const DEFINITION: Definition = Definition {
    name: "xmpp",
    aliases: &[],
    prefixes: &["xmpp"],
    doc: "A chat message for each return. The connection is encrypted (STARTTLS) and the server's certificate verified.",
    keys: &[
        Key("jid", "", "Whose account: `user@example.org/resource`."),
        Key("password", "", "Password."),
        Key("recipient", "", "Who gets the messages."),
        Key("profile", "", "Name of a dict of the configuration that has `xmpp.jid` and `xmpp.password`."),
        Key("host", "", "Server, where it is not the domain of the jid."),
        Key("port", "5222", "Its port; 5223 where TLS is spoken from the start."),
        Key("tls", "True", "True: STARTTLS. `wrapper`: TLS from the start."),
        Key("ca_file", "", "Certificates to trust, instead of those of the machine."),
    ],
    common: &[],
    takes: RETURNS_AND_EVENTS,
    batch_max: 16,
    at_once_max: 1,
    open,
};

#[cfg(not(feature = "xmpp"))]
fn open(_: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    Err(SettingError::Feature("xmpp"))
}

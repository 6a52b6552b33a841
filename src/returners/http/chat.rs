//! Chats and telephones: a message for each return.

use super::{Request, Service, StateRun, definition, encode, open};
use crate::returners::message::{self, cut, is_success};
use crate::returners::registry::{Definition, Key, RETURNS, RETURNS_AND_EVENTS};
use crate::returners::{Delivery, DeliveryError, Item};
use halite_render::repr::repr;
use halite_roster::Secret;
use halite_wire::{Map, Value};

/// A service that is asked the same way for each delivery: its settings are in the closure.
struct Asked<F>(F);

impl<F: Fn(&Item) -> Vec<Request> + Send + Sync> Service for Asked<F> {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        Ok((self.0)(&delivery.item))
    }
}

pub(in crate::returners) const MATTERMOST: Definition = Definition {
    prefixes: &["mattermost"],
    ..definition(
        "mattermost",
        "A message in a Mattermost channel for each return or event, by an incoming webhook.",
        &[
            Key("api_url", "", "Address of the server."),
            Key("hook", "", "Key of the webhook."),
            Key("channel", "", "Channel, where not the webhook's own."),
            Key("username", "", "Whom the message is from."),
        ],
        RETURNS_AND_EVENTS,
        |settings| {
            let url = format!("{}/hooks/", settings.required("api_url")?.trim_end_matches('/'));
            let hook = settings.required_secret("hook")?;
            let (channel, username) = (settings.text("channel")?, settings.text("username")?);
            open(
                settings,
                Asked(move |item: &Item| {
                    let text = cut(&format!("```{}```", message::text(item)), 16_000);
                    let named = [("channel", &channel), ("username", &username)].into_iter();
                    let mut payload: Map = named.filter_map(|(k, v)| Some((k, v.clone()?))).collect();
                    payload.insert("text", text);
                    let payload = crate::jobs::json::encode(&payload.into());
                    vec![Request::form(format!("{url}{}", encode(hook.expose())), &[("payload", &payload)])]
                }),
            )
        },
    )
};

pub(in crate::returners) const TELEGRAM: Definition = Definition {
    prefixes: &["telegram"],
    ..definition(
        "telegram",
        "A message of a Telegram bot for each return.",
        &[
            Key("chat_id", "", "Whom to write to."),
            Key("token", "", "Token of the bot."),
            Key("api_url", "https://api.telegram.org", "Address of the service."),
        ],
        RETURNS,
        |settings| {
            let base = settings.text_or("api_url", "https://api.telegram.org")?;
            let (chat, token) = (settings.required("chat_id")?, settings.required_secret("token")?);
            open(
                settings,
                Asked(move |item: &Item| {
                    let text = cut(&message::text(item), 4096);
                    let url = format!("{}/bot{}/sendMessage", base.trim_end_matches('/'), token.expose());
                    vec![Request::form(url, &[("chat_id", &chat), ("text", &text)])]
                }),
            )
        },
    )
};

pub(in crate::returners) const PUSHOVER: Definition = Definition {
    prefixes: &["pushover"],
    ..definition(
        "pushover",
        "A notification by Pushover for each return.",
        &[
            Key("user", "", "User or group key."),
            Key("token", "", "Token of the application."),
            Key("device", "", "One device only."),
            Key("title", "", "Title of the message."),
            Key("priority", "", "-2 to 2; 2 needs `expire` and `retry`."),
            Key("expire", "", "Seconds until it stops asking for an answer."),
            Key("retry", "", "Seconds between two of these."),
            Key("sound", "", "Name of a sound."),
            Key("api_url", "https://api.pushover.net", "Address of the service."),
        ],
        RETURNS,
        |settings| {
            let url = settings.text_or("api_url", "https://api.pushover.net")?;
            let url = format!("{}/1/messages.json", url.trim_end_matches('/'));
            let secrets =
                [("user", settings.required_secret("user")?), ("token", settings.required_secret("token")?)];
            let mut texts = Vec::new();
            for key in ["device", "title", "priority", "expire", "retry", "sound"] {
                texts.extend(settings.text(key)?.map(|text| (key, text)));
            }
            if settings.number("priority")? == Some(2) && !texts.iter().any(|(key, _)| *key == "expire") {
                return Err(settings.refused("priority", "2 needs `expire` and `retry`"));
            }
            open(
                settings,
                Asked(move |item: &Item| {
                    let text = cut(&message::text(item), 1024);
                    let mut fields: Vec<(&str, &str)> = texts.iter().map(|(k, v)| (*k, v.as_str())).collect();
                    fields.extend(secrets.iter().map(|(key, secret)| (*key, secret.expose())));
                    fields.push(("message", &text));
                    vec![Request::form(&url, &fields)]
                }),
            )
        },
    )
};

pub(in crate::returners) const SMS: Definition = Definition {
    prefixes: &["sms", "twilio"],
    ..definition(
        "sms",
        "A text message by Twilio for each return: host, function, success and jid.",
        &[
            Key("sid", "", "Account."),
            Key("token", "", "Its token."),
            Key("to", "", "Number it goes to."),
            Key("from", "", "Number it comes from."),
            Key("api_url", "https://api.twilio.com", "Address of the service."),
        ],
        RETURNS,
        |settings| {
            let url = settings.text_or("api_url", "https://api.twilio.com")?;
            let (sid, token) = (settings.required("sid")?, settings.required_secret("token")?);
            let (to, from) = (settings.required("to")?, settings.required("from")?);
            let url =
                format!("{}/2010-04-01/Accounts/{}/Messages.json", url.trim_end_matches('/'), encode(&sid));
            open(
                settings,
                Asked(move |item: &Item| {
                    let body = format!(
                        "Minion: {}\nCmd: {}\nSuccess: {}\n\nJid: {}",
                        item.text("id"),
                        item.text("fun"),
                        message::plain(item.field("success")),
                        item.text("jid")
                    );
                    let fields = [("Body", body.as_str()), ("To", &to), ("From", &from)];
                    vec![Request::form(&url, &fields).basic(&sid, token.expose())]
                }),
            )
        },
    )
};

pub(in crate::returners) const HIPCHAT: Definition = Definition {
    prefixes: &["hipchat"],
    ..definition(
        "hipchat",
        "A message in a HipChat room for each return, by the second version of its interface. The service was closed in \
         2019; servers of one's own may live on.",
        &[
            Key("api_url", "https://api.hipchat.com", "Address of the server."),
            Key("api_key", "", "Token of the room."),
            Key("room_id", "", "Room."),
            Key("from_name", "", "Whom the message is from."),
            Key("color", "yellow", "Colour of the message; failures are red."),
            Key("notify", "False", "Whether people are called."),
        ],
        RETURNS,
        |settings| {
            let url = settings.text_or("api_url", "https://api.hipchat.com")?;
            let url = format!(
                "{}/v2/room/{}/notification",
                url.trim_end_matches('/'),
                encode(&settings.required("room_id")?)
            );
            let (key, from) = (settings.required_secret("api_key")?, settings.text("from_name")?);
            let (color, notify) = (settings.text_or("color", "yellow")?, settings.flag_or("notify", false)?);
            open(
                settings,
                Asked(move |item: &Item| {
                    let color = if is_success(item) { color.as_str() } else { "red" };
                    let mut body = Map::from([
                        ("message", Value::from(cut(&message::text(item), 10_000))),
                        ("message_format", "text".into()),
                        ("color", color.into()),
                        ("notify", notify.into()),
                    ]);
                    if let Some(from) = &from {
                        body.insert("from", from.as_str());
                    }
                    vec![Request::json("POST", &url, &body.into()).bearer(&key)]
                }),
            )
        },
    )
};

pub(in crate::returners) const SLACK: Definition = Definition {
    prefixes: &["slack"],
    ..definition(
        "slack",
        "A message in a Slack channel for each return, by a bot's token.",
        &[
            Key("channel", "", "Channel."),
            Key("api_key", "", "Token."),
            Key("username", "", "Whom the message is from."),
            Key("as_user", "", "Whether it is from the user of the token."),
            Key("changes", "False", "Of states, only those that failed or changed something."),
            Key("only_show_failed", "False", "Of states, only those that failed."),
            Key("yaml_format", "False", "The return as YAML."),
            Key("api_url", "https://slack.com", "Address of the service."),
        ],
        RETURNS,
        |settings| {
            let url = settings.text_or("api_url", "https://slack.com")?;
            let slack = Slack {
                url: format!("{}/api/chat.postMessage", url.trim_end_matches('/')),
                key: settings.required_secret("api_key")?,
                channel: settings.required("channel")?,
                username: settings.text("username")?,
                as_user: settings.raw("as_user").is_some_and(Value::is_truthy),
                changes: settings.flag_or("changes", false)?,
                only_failed: settings.flag_or("only_show_failed", false)?,
                yaml: settings.flag_or("yaml_format", false)?,
            };
            if slack.changes && slack.only_failed {
                return Err(settings.refused("changes", "excludes `only_show_failed`"));
            }
            open(settings, slack)
        },
    )
};

struct Slack {
    url: String,
    key: Secret,
    channel: String,
    username: Option<String>,
    as_user: bool,
    changes: bool,
    only_failed: bool,
    yaml: bool,
}

impl Slack {
    /// The states that are to be shown; anything else as it is.
    fn shown(&self, value: &Value) -> Value {
        let Some(states) = value.as_map().filter(|_| self.changes || self.only_failed) else {
            return value.clone();
        };
        let is_shown = |state: &Value| {
            let failed = state.get("result").is_some_and(|result| result.as_bool() != Some(true));
            failed || (self.changes && state.get("changes").is_some_and(Value::is_truthy))
        };
        let shown = states
            .iter()
            .filter(|(_, state)| is_shown(state))
            .map(|(tag, state)| (tag.clone(), state.clone()));
        Value::Map(shown.collect())
    }
}

impl Service for Slack {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let Item::Return(mut ret) = delivery.item.clone() else { return Ok(Vec::new()) };
        let value = self.shown(delivery.item.field("return"));
        let text = if self.yaml { halite_render::yaml::dump(&value) } else { message::plain(&value) };
        ret.insert("return", text);
        let text = cut(&format!("```{}```", message::text(&Item::Return(ret))), 40_000);
        let mut fields = vec![("channel", self.channel.as_str()), ("text", &text)];
        fields.extend(self.username.as_deref().map(|name| ("username", name)));
        if self.as_user {
            fields.push(("as_user", "true"));
        }
        Ok(vec![Request::form(&self.url, &fields).bearer(&self.key)])
    }

    /// Slack says what is wrong in the body of a success.
    fn judge(&self, status: u16, body: &str) -> Result<(), DeliveryError> {
        super::api::judge(status, body)?;
        let answer = crate::jobs::json::decode(body).unwrap_or_default();
        let error = answer.get("error").and_then(Value::as_str).unwrap_or("no answer in JSON");
        match (answer.get("ok").and_then(Value::as_bool), error) {
            (Some(true), _) => Ok(()),
            (_, "msg_too_long" | "no_text" | "invalid_blocks" | "invalid_arguments") => {
                Err(DeliveryError::dead(error))
            }
            _ => Err(DeliveryError::retry(error)),
        }
    }
}

pub(in crate::returners) const SLACK_WEBHOOK: Definition = Definition {
    prefixes: &["slack_webhook"],
    ..definition(
        "slack_webhook",
        "A coloured message in a Slack channel for each return or event, by an incoming webhook; runs of states are counted.",
        &[
            Key("webhook", "", "Key of the webhook: what follows `/services/`. Or its whole address."),
            Key("success_title", "{id} | Succeeded", "Title where all went well."),
            Key("failure_title", "{id} | Failed", "Title where not."),
            Key("author_icon", "", "Address of a picture."),
            Key("show_tasks", "False", "Names of the states that changed something or failed."),
        ],
        RETURNS_AND_EVENTS,
        |settings| {
            let hook = settings.required_secret("webhook")?;
            let is_whole = hook.expose().starts_with("https://") || hook.expose().starts_with("http://");
            let url = if is_whole { String::new() } else { "https://hooks.slack.com/services/".to_owned() };
            open(
                settings,
                Hook {
                    url: url + hook.expose().trim_start_matches('/'),
                    titles: [
                        settings.text_or("failure_title", "{id} | Failed")?,
                        settings.text_or("success_title", "{id} | Succeeded")?,
                    ],
                    icon: settings.text_or("author_icon", "")?,
                    show_tasks: settings.flag_or("show_tasks", false)?,
                },
            )
        },
    )
};

struct Hook {
    url: String,
    /// For failure and for success.
    titles: [String; 2],
    icon: String,
    show_tasks: bool,
}

impl Hook {
    fn attachments(&self, item: &Item) -> Vec<Value> {
        let success = is_success(item);
        let title = self.titles[usize::from(success)].replace("{id}", item.text("id"));
        let mut text = format!("Function: {}\n", item.text("fun"));
        if let Some(args) = item.field("fun_args").as_list().filter(|args| !args.is_empty()) {
            text += &format!("Function Args: {}\n", repr(&args.iter().map(message::plain).collect()));
        }
        text += &format!("JID: {}\n", item.text("jid"));
        let run = StateRun::of(item);
        if let Some(run) = &run {
            text += &format!("Total: {}\nDuration: {:.2} secs", run.total, run.took / 1000.0);
        }
        let head = Map::from([
            ("fallback", title.as_str()),
            ("color", "#272727"),
            ("author_name", item.text("id")),
            ("author_icon", self.icon.as_str()),
            ("title", if success { "Success: True" } else { "Success: False" }),
            ("text", &text),
        ]);
        let mut all = vec![Value::Map(head)];
        match run {
            Some(run) => all.extend(self.counts(&run)),
            None => {
                let title = cut(&format!("Return: {}", message::plain(item.field("return"))), 3000);
                all.push(
                    Map::from([("color", if success { "good" } else { "danger" }), ("title", &title)]).into(),
                );
            }
        }
        all
    }

    fn counts(&self, run: &StateRun) -> [Value; 3] {
        let of = |color: &str, title: String, tasks: &[String]| {
            let mut map = Map::from([("color", Value::from(color)), ("title", title.into())]);
            if self.show_tasks && !tasks.is_empty() {
                let field = |task: &String| {
                    Map::from([("value", Value::from(task.as_str())), ("short", false.into())])
                };
                map.insert("fields", tasks.iter().map(field).collect::<Value>());
            }
            Value::Map(map)
        };
        let (changed, failed) = (run.changed.len() as i64, run.failed.len() as i64);
        [
            of("good", format!("Unchanged: {}", run.total - changed - failed), &[]),
            of("warning", format!("Changed: {changed}"), &run.changed),
            of("danger", format!("Failed: {failed}"), &run.failed),
        ]
    }
}

impl Service for Hook {
    fn requests(&self, delivery: &Delivery) -> Result<Vec<Request>, DeliveryError> {
        let item = match &delivery.item {
            Item::Event { data, .. } => &Item::Return(data.clone()),
            item => item,
        };
        let payload = Map::from([("attachments", Value::List(self.attachments(item)))]);
        Ok(vec![Request::json("POST", &self.url, &payload.into())])
    }
}

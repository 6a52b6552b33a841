//! `highstate`: a report of a run of states, in a file or by mail.

use super::http::StateRun;
use super::mail::{Mail, Mailer};
use super::registry::{Definition, Key, RETURNS, Returner};
use super::{Delivery, DeliveryError, Item, SettingError, Settings, message};
use crate::jobs::json;
use async_trait::async_trait;
use halite_render::yaml;
use halite_wire::{Map, Value};

pub(super) const DEFINITION: Definition = Definition {
    name: "highstate",
    aliases: &["highstate_return"],
    prefixes: &["highstate"],
    doc: "A report of each run of states, as YAML, JSON or HTML, in a file or by mail. `{id}` in names and subjects is the host.",
    keys: &[
        Key("report_everything", "False", "Also where nothing changed and nothing failed."),
        Key("report_changes", "True", "Where something changed."),
        Key("report_failures", "True", "Where something failed."),
        Key("report_format", "yaml", "`yaml`, `json` or `html`."),
        Key("report_delivery", "file", "`file` or `smtp`."),
        Key("file_output", "", "The file; it is written anew for each report."),
        Key("smtp_sender", "", "Sender."),
        Key("smtp_recipients", "", "Recipients, with commas between."),
        Key("smtp_failure_subject", "Installation failure", "Subject where something failed."),
        Key("smtp_success_subject", "Installation success", "Subject where not."),
        Key("smtp_server", "localhost", "Mail server; also `host`."),
        Key("host", "", "Instead of smtp_server."),
        Key("port", "25", "As for smtp, with the next four."),
        Key("tls", "False", "True: STARTTLS. `wrapper`: TLS from the start."),
        Key("username", "", "User."),
        Key("password", "", "Password."),
        Key("ca_file", "", "Certificates to trust beside those of the machine."),
    ],
    common: &[],
    takes: RETURNS,
    batch_max: 1,
    at_once_max: 1,
    open,
};

struct Highstate {
    everything: bool,
    changes: bool,
    failures: bool,
    format: String,
    way: Way,
}

enum Way {
    File(String),
    /// For failure and for success.
    Mail {
        mailer: Box<Mailer>,
        from: String,
        to: Vec<String>,
        subjects: [String; 2],
    },
}

fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let format = settings.text_or("report_format", "yaml")?;
    if !["yaml", "json", "html"].contains(&format.as_str()) {
        return Err(settings.refused("report_format", "is none of yaml, json and html"));
    }
    let way = match settings.text_or("report_delivery", "file")?.as_str() {
        "file" => Way::File(settings.required("file_output")?),
        "smtp" => Way::Mail {
            mailer: Box::new(Mailer::new(settings)?),
            from: settings.required("smtp_sender")?,
            to: settings.list("smtp_recipients")?,
            subjects: [
                settings.text_or("smtp_failure_subject", "Installation failure")?,
                settings.text_or("smtp_success_subject", "Installation success")?,
            ],
        },
        _ => return Err(settings.refused("report_delivery", "is neither file nor smtp")),
    };
    Ok(Box::new(Highstate {
        everything: settings.flag_or("report_everything", false)?,
        changes: settings.flag_or("report_changes", true)?,
        failures: settings.flag_or("report_failures", true)?,
        format,
        way,
    }))
}

#[async_trait]
impl Returner for Highstate {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        for delivery in batch {
            let item = &delivery.item;
            let Some(run) = StateRun::of(item) else { continue };
            let failed = !run.failed.is_empty();
            if self.everything || (self.changes && !run.changed.is_empty()) || (self.failures && failed) {
                self.send(item, &run, failed).await?;
            }
        }
        Ok(())
    }
}

impl Highstate {
    async fn send(&self, item: &Item, run: &StateRun, failed: bool) -> Result<(), DeliveryError> {
        let report = report(item, run);
        let text = match self.format.as_str() {
            "json" => json::encode(&plain(&report)),
            "html" => format!(
                "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n{}</body></html>\n",
                table(&report)
            ),
            _ => yaml::dump(&plain(&report)),
        };
        match &self.way {
            Way::File(name) => {
                // The host's name becomes part of a path.
                let id = item.text("id").replace(['/', '\0'], "_");
                let path = name.replace("{id}", &id);
                let failed = |error: std::io::Error| DeliveryError::retry(format!("{path}: {error}"));
                let near = format!("{path}.new");
                tokio::fs::write(&near, text).await.map_err(failed)?;
                tokio::fs::rename(&near, &path).await.map_err(failed)
            }
            Way::Mail { mailer, from, to, subjects } => {
                let subject = subjects[usize::from(!failed)].replace("{id}", item.text("id"));
                let (jid, id) = item.key();
                let html = self.format == "html";
                mailer.send(Mail { from, to, subject, html, text, key: format!("{jid}.{id}.report") }).await
            }
        }
    }
}

/// Rows of one entry each, as Salt's report has them; `__style__` says how a row looks.
fn report(item: &Item, run: &StateRun) -> Value {
    let row = |name: &str, value: Value| Value::Map(Map::from([(name, value)]));
    let styled = |name: &str, value: i64, style: &str| {
        Value::Map(Map::from([(name, Value::from(value)), ("__style__", style.into())]))
    };
    let (failed, changed) = (run.failed.len() as i64, run.changed.len() as i64);
    let stats = vec![
        row("total", run.total.into()),
        styled("failed", failed, "failed"),
        styled("unchanged", run.total - failed - changed, "unchanged"),
        styled("changed", changed, "changed"),
        row("duration", run.took.into()),
    ];
    let job = [
        ("function", "fun"),
        ("arguments", "fun_args"),
        ("jid", "jid"),
        ("success", "success"),
        ("retcode", "retcode"),
    ];
    let job = job.map(|(name, field)| row(name, item.field(field).clone())).to_vec();
    let states = item.field("return").as_map().and_then(super::http::in_order).unwrap_or_default();
    let states: Vec<Value> = states.into_iter().map(|(tag, state)| state_row(tag, state)).collect();
    Value::List(vec![row("stats", stats.into()), row("job", job.into()), row("states", states.into())])
}

fn state_row(tag: &str, state: &Map) -> Value {
    let parts: Vec<&str> = tag.split("_|-").collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or("");
    let value = |name: &str| state.get(name).cloned().unwrap_or_default();
    let mut rows = vec![
        Map::from([("function", format!("{}.{}", part(0), part(3)))]).into(),
        Map::from([("name", part(2))]).into(),
        Map::from([("result", value("result"))]).into(),
        Map::from([("duration", value("duration"))]).into(),
        Map::from([("comment", value("comment"))]).into(),
    ];
    let changes = value("changes");
    let style = match (value("result").is_truthy(), changes.is_truthy()) {
        (false, _) => "failed",
        (true, true) => "changed",
        (true, false) => "unchanged",
    };
    if style == "changed" {
        rows.push(Map::from([("changes", changes)]).into());
    }
    if value("start_time").is_truthy() {
        rows.push(Map::from([("started", value("start_time"))]).into());
    }
    Map::from([(part(1), Value::List(rows)), ("__style__", style.into())]).into()
}

/// The report without its styles.
fn plain(value: &Value) -> Value {
    match value {
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(map) => {
            let kept = map.iter().filter(|(key, _)| key.as_str() != Some("__style__"));
            Value::Map(kept.map(|(key, value)| (key.clone(), plain(value))).collect())
        }
        other => other.clone(),
    }
}

/// The report as nested tables.
fn table(value: &Value) -> String {
    let escape = super::http::escape;
    let cell = |value: &Value| match value {
        Value::List(_) | Value::Map(_) => table(value),
        other => escape(&message::plain(other)).replace('\n', "<br>"),
    };
    let row = |name: &Value, value: &Value, colour: &str| {
        let look = format!("border:1px solid #9e9e9e;vertical-align:top;padding:2px 6px;{colour}");
        format!(
            "<tr><td style=\"{look}\">{}</td><td style=\"{look}\">{}</td></tr>\n",
            escape(&message::plain(name)),
            cell(value)
        )
    };
    let of_map = |map: &Map| {
        let colour = match map.get_str("__style__") {
            Some("failed") => "color:red;",
            Some("changed") => "color:green;",
            Some(_) => "color:blue;",
            None => "",
        };
        let rows = map.iter().filter(|(name, _)| name.as_str() != Some("__style__"));
        rows.map(|(name, value)| row(name, value, colour)).collect::<String>()
    };
    let rows: String = match value {
        Value::List(items) => items
            .iter()
            .map(|item| item.as_map().map_or_else(|| format!("<tr><td>{}</td></tr>\n", cell(item)), of_map))
            .collect(),
        Value::Map(map) => of_map(map),
        other => return cell(other),
    };
    format!(
        "<table style=\"border-collapse:collapse;font-family:sans-serif;font-size:9pt\">\n{rows}</table>\n"
    )
}

//! What a stream is made of, with servers that are no more than what they say.

use super::answers::Bounce;
use super::bounds::{BYTES_MAX, ELEMENTS_MAX};
use super::driver::sayable;
use super::login::{Account, check, way};
use super::stream::Stream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_roster::Secret;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_xmpp::jid::Jid;
use tokio_xmpp::minidom::Element;
use tokio_xmpp::parsers::message::{Id, Message};
use tokio_xmpp::parsers::stream_features::StreamFeatures;

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
                      xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1' from='localhost'>";
const BOUND: &str = "<iq type='result' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                     <jid>user@localhost/here</jid></bind></iq>";
const SEEN: &str = "<iq type='result' id='last'/>";

fn account(user: &str) -> Account {
    let (domain, resource) = ("localhost".to_owned(), "here".to_owned());
    Account { user: user.to_owned(), domain, resource, password: Secret::new("pencil".to_owned()) }
}

/// Features with these mechanisms, and these channel bindings.
fn offer(mechanisms: &[&str], bindings: &[&str]) -> String {
    let mechanisms: String = mechanisms.iter().map(|name| format!("<mechanism>{name}</mechanism>")).collect();
    let bindings: String = bindings.iter().map(|name| format!("<channel-binding type='{name}'/>")).collect();
    format!(
        "<stream:features xmlns:stream='http://etherx.jabber.org/streams'>\
         <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{mechanisms}</mechanisms>\
         <sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>{bindings}</sasl-channel-binding></stream:features>"
    )
}

fn sasl(name: &str, said: &str) -> String {
    format!("<{name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{}</{name}>", STANDARD.encode(said))
}

/// A line on which a server has said this; what it hears is on the other one.
async fn line(said: &str) -> (DuplexStream, DuplexStream) {
    let (ours, mut theirs) = duplex(8 << 20);
    theirs.write_all(said.as_bytes()).await.unwrap();
    (ours, theirs)
}

/// Logs in at a server that says this.
async fn logged_in(said: &str) -> Result<(Stream<'static>, DuplexStream), String> {
    let (ours, theirs) = line(said).await;
    let (stream, features) = Stream::begin(ours, "localhost").await.map_err(|error| error.to_string())?;
    let stream = stream.log_in(&account("user"), &features, None).await.map_err(|error| error.to_string())?;
    Ok((stream, theirs))
}

/// Sends messages 1, 2 and 3 to a server that says this of them.
async fn sent(said: &str) -> Result<Option<Bounce>, String> {
    let plain = offer(&["PLAIN"], &[]);
    let all = format!("{HEADER}{plain}{}{HEADER}{}{BOUND}{said}", sasl("success", ""), offer(&[], &[]));
    let (stream, mut theirs) = logged_in(&all).await?;
    let message = |id: &str| {
        let mut message = Message::chat(Jid::new("ops@localhost").unwrap());
        message.id = Some(Id(id.to_owned()));
        message
    };
    let messages = ["1", "2", "3"].map(message).to_vec();
    let bounced =
        stream.send(messages, Jid::new("localhost").unwrap()).await.map_err(|error| error.to_string());
    let mut heard = String::new();
    theirs.read_to_string(&mut heard).await.unwrap();
    assert!(heard.contains(&STANDARD.encode("\0user\0pencil")), "{heard}");
    assert!(bounced.is_err() || heard.ends_with("</stream:stream>"), "{heard}");
    bounced
}

#[test]
fn the_best_way_to_log_in_is_taken_and_bound_to_the_line_where_both_sides_can() {
    let sha = ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"];
    let plus = [&sha[..], &["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"]].concat();
    let exporter = Some(b"key".to_vec());
    let known = ["tls-server-end-point", "tls-exporter"];
    for (mechanisms, bindings, exporter, wanted) in [
        (&plus[..], &known[..], &exporter, "SCRAM-SHA-256-PLUS p=tls-exporter,,n=u=3D=2C,r="),
        (&plus[..4], &known, &exporter, "SCRAM-SHA-1-PLUS p=tls-exporter,,n=u=3D=2C,r="),
        (&plus, &known[..1], &exporter, "SCRAM-SHA-256 n,,n=u=3D=2C,r="),
        (&plus, &known, &None, "SCRAM-SHA-256 n,,n=u=3D=2C,r="),
        (&sha, &known, &exporter, "SCRAM-SHA-256 y,,n=u=3D=2C,r="),
        (&sha[..2], &[], &None, "SCRAM-SHA-1 n,,n=u=3D=2C,r="),
        (&sha[..1], &[], &exporter, "PLAIN \0u=,\0pencil"),
        (&["ANONYMOUS", "EXTERNAL"], &[], &exporter, ""),
    ] {
        let features = offer(mechanisms, bindings).parse::<Element>().unwrap();
        let features = StreamFeatures::try_from(features).unwrap();
        let mut way = way(&account("u=,"), &features, exporter.clone()).unwrap();
        let said = way.as_mut().map_or_else(String::new, |way| {
            let first = String::from_utf8(way.initial()).unwrap();
            format!("{} {first}", way.name())
        });
        assert!(said.starts_with(wanted) && said.is_empty() == wanted.is_empty(), "{mechanisms:?}: {said}");
    }
}

#[test]
fn a_challenge_for_somebody_else_or_without_measure_is_not_answered() {
    let first = b"n,,n=user,r=mine";
    assert_eq!(check(first, b"r=mine1,s=QSXC,i=4096"), Ok(()));
    for challenge in [
        "r=other1,s=QSXC,i=4096",
        "r=mine,s=QSXC,i=4096",
        "r=mine1,s=QSXC,i=4000000000",
        "r=mine1,s=QSXC,i=4096,i=4000000000",
        "r=mine1,r=other1,s=QSXC,i=4096",
        "r=mine1,s=QSXC,i=0",
        "r=mine1,s=QSXC",
        "",
    ] {
        assert!(check(first, challenge.as_bytes()).is_err(), "{challenge}");
    }
    assert!(check(b"\0user\0pencil", b"r=1,s=QSXC,i=1").is_err());
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_itself_is_not_believed() {
    let hello = format!("{HEADER}{}", offer(&["SCRAM-SHA-256"], &[]));
    let error = logged_in(&format!("{hello}{}", sasl("success", ""))).await.err().unwrap();
    assert!(error.starts_with("the login failed"), "{error}");
    let (ours, mut theirs) = line(&hello).await;
    let liar = tokio::spawn(async move {
        let mut heard = String::new();
        while !heard.contains("</auth>") {
            heard.push(char::from(theirs.read_u8().await.unwrap()));
        }
        let first = heard.trim_end_matches("</auth>").rsplit('>').next().unwrap();
        let first = String::from_utf8(STANDARD.decode(first).unwrap()).unwrap();
        let nonce = first.split_once(",r=").unwrap().1;
        let challenge = sasl("challenge", &format!("r={nonce}x,s=QSXC,i=4096"));
        let verdict = sasl("success", &format!("v={}", STANDARD.encode([7; 32])));
        theirs.write_all(format!("{challenge}{verdict}").as_bytes()).await.unwrap();
        theirs
    });
    let (stream, features) = Stream::begin(ours, "localhost").await.unwrap();
    let error = stream.log_in(&account("user"), &features, None).await.err().unwrap().to_string();
    assert_eq!(error, "the login failed: invalid signature in success response");
    liar.await.unwrap();
}

#[tokio::test]
async fn a_refused_login_says_why() {
    let no = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>No such luck</text></failure>";
    let error = logged_in(&format!("{HEADER}{}{no}", offer(&["PLAIN"], &[]))).await.err().unwrap();
    assert_eq!(error, "the server refuses the login: not-authorized, No such luck");
    let error = logged_in(&format!("{HEADER}{}", offer(&["ANONYMOUS"], &[]))).await.err().unwrap();
    assert_eq!(error, "the server offers no way to log in that we know");
}

#[tokio::test]
async fn the_first_of_our_messages_that_comes_back_is_told_of_with_its_reasons() {
    let back = |id: &str, error: &str| {
        format!("<message type='error' id='{id}' from='ops@localhost'><body>&lt;</body>{error}</message>")
    };
    let error = |kind: &str, inner: &str| format!("<error type='{kind}'>{inner}</error>");
    let away = error("cancel", "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
    let wrong = error(
        "modify",
        "<strange xmlns='urn:x'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>&amp; too long</text>",
    );
    let bounce = |is_dead, why: &str| Some(Bounce { is_dead, why: why.to_owned() });
    for (said, wanted) in [
        (String::new(), None),
        (back("0", &away), None),
        ("<message type='chat' id='1'><body>x</body></message><presence/>".to_owned(), None),
        (back("2", &away) + &back("1", &wrong), bounce(false, "service-unavailable")),
        (back("9", &away) + &back("3", &wrong), bounce(true, "strange, & too long")),
        (back("1", ""), bounce(false, "")),
    ] {
        assert_eq!(sent(&format!("{said}{SEEN}")).await, Ok(wanted), "{said}");
    }
    let unreadable = "<message type='error' id='2' from='@@@'/>";
    assert!(sent(&format!("{unreadable}{SEEN}")).await.unwrap().is_some_and(|bounce| !bounce.is_dead));
    let refusal = format!("<iq type='error' id='last'>{away}</iq>");
    assert_eq!(sent(&refusal).await, Ok(None), "a server that knows no ping has seen the messages as well");
}

#[tokio::test]
async fn a_stream_that_ends_before_the_messages_are_dealt_with_has_not_delivered_them() {
    let full =
        "<stream:error><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
    let error = sent(full).await.unwrap_err();
    assert_eq!(error, "the server refuses the stream: resource-constraint");
    for end in [
        "</stream:stream>",
        "</b>",
        "<!-- a -->",
        "<x/>",
        "<iq",
        "<message type='error'><a>&b;</a></message>",
    ] {
        let waited = tokio::time::timeout(Duration::from_millis(300), sent(end)).await;
        assert!(waited.is_err() == (end == "<iq") && !waited.is_ok_and(|sent| sent.is_ok()), "{end}");
    }
}

#[tokio::test]
async fn sec_88_words_without_end_end_the_stream_and_not_the_memory_or_the_stack() {
    let all = usize::try_from(BYTES_MAX).unwrap() + 100;
    let endless = |piece: &str| piece.repeat(all / piece.len());
    let numbered = |before: &str, after: &str| -> String {
        (0..all / 8).map(|number| format!("{before}{number}{after}")).collect()
    };
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    let of_stream = [
        endless(" "),
        endless("x"),
        HEADER.trim_end_matches('>').to_owned() + &numbered(" a", "=''"),
        HEADER.trim_end_matches('>').to_owned() + &numbered(" xmlns:a", "='b'"),
        format!("{HEADER}{}", endless(" ")),
        format!("{HEADER}{}", endless("<stream:features>")),
        format!("{HEADER}<a>{}", endless("<b>")),
    ];
    let of_features = [
        endless("<a>"),
        endless("<a/>"),
        endless("text "),
        endless("&lt;"),
        numbered("<a b", "=''/>"),
        format!("<a{}", numbered(" a", "=''")),
        nested(200_000),
        nested(ELEMENTS_MAX + 1),
        "<a/>".repeat(ELEMENTS_MAX + 1),
    ];
    let of_features = of_features.map(|said| format!("{HEADER}<stream:features>{said}"));
    for said in of_stream.into_iter().chain(of_features) {
        let (ours, _theirs) = line(&said).await;
        let began = Instant::now();
        assert!(Stream::begin(ours, "localhost").await.is_err(), "{}", &said[..300]);
        assert!(began.elapsed() < Duration::from_secs(20), "{}", &said[..300]);
    }
    let fits = format!("{HEADER}<stream:features>{}</stream:features>", nested(ELEMENTS_MAX));
    let (ours, _theirs) = line(&fits).await;
    assert!(Stream::begin(ours, "localhost").await.is_ok());
}

#[tokio::test]
async fn sec_88_answers_without_end_end_the_stream_and_a_long_reason_is_cut() {
    let message = "<message type='error' id='1'><error type='cancel'>";
    let endless = |piece: &str| piece.repeat(usize::try_from(BYTES_MAX).unwrap() / piece.len());
    let nested = |piece: &str| format!("{message}{}", endless(piece));
    for said in
        [endless("<presence/>"), nested("<a>"), nested("<a/>"), nested("text "), nested("</error><error>")]
    {
        assert!(sent(&said).await.is_err(), "{}", &said[..300]);
    }
    let wordy = format!("{message}{}</error></message>{SEEN}", "<text>no</text>".repeat(ELEMENTS_MAX - 1));
    assert!(sent(&wordy).await.unwrap().is_some_and(|bounce| bounce.why.len() <= 1000));
}

#[test]
fn hostile_text_stays_as_it_was_but_for_what_xml_cannot_say() {
    let hostile = "</body><x a='\"'>&amp;]]>\u{1f980}\tline\r\n\0\u{1b}\u{ffff}\u{85}";
    let wanted = hostile.replace('\r', "").replace(['\0', '\u{1b}', '\u{ffff}'], "\u{fffd}");
    assert_eq!(sayable(hostile), wanted);
    let mut message = Message::chat(Jid::new("ops@localhost").unwrap()).with_body("".into(), wanted.clone());
    message.id = Some(Id(wanted));
    let said = String::from_utf8(xso::to_vec(&message).unwrap()).unwrap();
    assert_eq!(xso::from_bytes::<Message>(said.as_bytes()).unwrap(), message, "{said}");
}

//! What a stream is made of, without a server.

use super::scram::{Hash, answer, believe, first};
use super::xml::{Element, Heard, escaped, next};
use halite_roster::Secret;

fn element(text: &str) -> Element {
    match next(text) {
        Ok(Some((Heard::Element(element), length))) if length == text.len() => element,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_element_is_read_with_its_children_attributes_and_entities_once_it_is_whole() {
    let text = "<message from=\"a@b\" to='x&gt;y'><body>a &amp;&lt;&#x1F980; '\"</body><x:delay xmlns:x='u>v' stamp='1'/></message>";
    for end in (1..text.len()).filter(|end| text.is_char_boundary(*end)) {
        assert_eq!(next(&text[..end]), Ok(None), "{}", &text[..end]);
    }
    let message = element(text);
    assert_eq!((message.name.as_str(), message.attribute("to")), ("message", "x>y"));
    assert_eq!(message.child("body").map(|body| body.text.as_str()), Some("a &<\u{1f980} '\""));
    assert_eq!(message.child("delay").map(|delay| delay.attribute("stamp")), Some("1"));
}

#[test]
fn the_ends_of_a_stream_are_told_from_elements() {
    let opening = "<?xml version='1.0'?>\n<stream:stream id='1' xmlns:stream='u'>";
    assert_eq!(next(&format!("{opening}<a/>")), Ok(Some((Heard::Opened, opening.len()))));
    assert_eq!(next("</stream:stream>"), Ok(Some((Heard::Closed, 16))));
}

#[test]
fn what_has_no_place_in_a_stream_is_refused() {
    let deep = "<a>".repeat(50);
    for text in
        ["<!DOCTYPE a>", "<!-- a -->", "<a></b>", "</a>", "<a>&b;</a>", "<a b=c/>", &deep, "<a>&#xD800;</a>"]
    {
        assert!(next(text).is_err(), "{text}");
    }
}

#[test]
fn hostile_text_comes_back_as_it_was_but_for_what_xml_cannot_say() {
    let hostile = "</body><x a='\"'>&amp;]]>\u{1f980}\tline\n\0\u{1b}\u{ffff}";
    let read = element(&format!("<body a='{0}'>{0}</body>", escaped(hostile)));
    let wanted = hostile.replace(['\0', '\u{1b}', '\u{ffff}'], "\u{fffd}");
    assert_eq!((read.text.as_str(), read.attribute("a")), (wanted.as_str(), wanted.as_str()));
    assert!(read.children.is_empty());
}

/// The examples of RFC 5802 and RFC 7677.
#[test]
fn the_proof_of_a_password_is_the_one_of_the_standards() {
    let pencil = Secret::new("pencil".to_owned());
    let sha1 = (
        Hash::Sha1,
        "fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    );
    let sha256 = (
        Hash::Sha256,
        "rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    );
    for (hash, nonce, challenge, proof, verdict) in [sha1, sha256] {
        assert_eq!(first("user", nonce), format!("n,,n=user,r={nonce}"));
        let answered = answer(hash, "user", &pencil, nonce, challenge);
        assert_eq!(answered, Ok((proof.to_owned(), verdict.to_owned())));
        assert!(believe(verdict, verdict).is_ok() && believe("v=", verdict).is_err());
    }
}

#[test]
fn a_challenge_for_somebody_else_or_without_measure_is_not_answered() {
    let secret = Secret::new("pencil".to_owned());
    for challenge in [
        "r=other1,s=QSXC,i=4096",
        "r=mine,s=QSXC,i=4096",
        "r=mine1,s=QSXC,i=4000000000",
        "r=mine1,s=QSXC",
        "",
    ] {
        assert!(answer(Hash::Sha1, "user", &secret, "mine", challenge).is_err(), "{challenge}");
    }
}

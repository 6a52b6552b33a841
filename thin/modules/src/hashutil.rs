//! `hashutil.*`: digests, base64 and message authentication of texts and files.

use crate::digest;
use crate::registry::{CallError, Default, Function, Module, Param, always};
use crate::{Bound, Ctx};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_wire::Value;
use hmac::{Hmac, KeyInit, Mac};
use std::path::Path;

pub const MODULE: Module = Module {
    file: "hashutil",
    virtual_name: "hashutil",
    doc: "Digests, base64 and message authentication of texts and files.",
    applies: always,
    functions: FUNCTIONS,
};

const INSTR: &[Param] = &[Param::Required("instr")];
const SIGNED: &[Param] =
    &[Param::Required("string"), Param::Required("shared_secret"), Param::Required("challenge_hmac")];

const FUNCTIONS: &[Function] = &[
    Function {
        name: "base64_b64decode",
        params: INSTR,
        doc: "Base64 back to text (or bytes, where it is no text).",
        example: "hashutil.base64_b64decode 'Z2V0IHNhbHRlZA=='",
        call: decode,
    },
    Function {
        name: "base64_b64encode",
        params: INSTR,
        doc: "A text in base64, in one line.",
        example: "hashutil.base64_b64encode 'get salted'",
        call: encode,
    },
    Function {
        name: "base64_decodefile",
        params: &[Param::Required("instr"), Param::Required("outfile")],
        doc: "Writes what a base64 text stands for into a file.",
        example: "hashutil.base64_decodefile 'Z2V0IHNhbHRlZA==' /tmp/out",
        call: decode_to_file,
    },
    Function {
        name: "base64_decodestring",
        params: INSTR,
        doc: "Base64 of several lines back to text (or bytes, where it is no text).",
        example: "hashutil.base64_decodestring 'Z2V0IHNhbHRlZA=='",
        call: decode,
    },
    Function {
        name: "base64_encodefile",
        params: &[Param::Required("fname")],
        doc: "The content of a file in base64, in lines of 76 letters.",
        example: "hashutil.base64_encodefile /etc/hostname",
        call: encode_file,
    },
    Function {
        name: "base64_encodestring",
        params: INSTR,
        doc: "A text in base64, in lines of 76 letters.",
        example: "hashutil.base64_encodestring 'get salted'",
        call: encode_lines,
    },
    Function {
        name: "digest",
        params: &[Param::Required("instr"), Param::Optional("checksum", Default::Str("md5"))],
        doc: "The digest of a text by md5, sha256 or sha512, in hexadecimal.",
        example: "hashutil.digest 'get salted' sha256",
        call: digest_text,
    },
    Function {
        name: "digest_file",
        params: &[Param::Required("infile"), Param::Optional("checksum", Default::Str("md5"))],
        doc: "The digest of a file's content by md5, sha256 or sha512, in hexadecimal.",
        example: "hashutil.digest_file /etc/hostname sha256",
        call: digest_file,
    },
    Function {
        name: "github_signature",
        params: SIGNED,
        doc: "Whether GitHub's signature of a message (sha1=... or sha256=...) is right.",
        example: "hashutil.github_signature body secret 'sha1=eb43...'",
        call: github_signature,
    },
    Function {
        name: "hmac_compute",
        params: &[Param::Required("string"), Param::Required("shared_secret")],
        doc: "The HMAC-SHA256 of a text, in hexadecimal.",
        example: "hashutil.hmac_compute 'get salted' 'shared secret'",
        call: hmac_compute,
    },
    Function {
        name: "hmac_signature",
        params: SIGNED,
        doc: "Whether the HMAC-SHA256 of a text is this one (in base64).",
        example: "hashutil.hmac_signature 'get salted' 'shared secret' 'eBWf9bstXg+NiP5AOwppB5HMvZiYMPzEM9W5YMm/AmQ='",
        call: hmac_signature,
    },
    Function {
        name: "md5_digest",
        params: INSTR,
        doc: "The MD5 of a text, in hexadecimal.",
        example: "hashutil.md5_digest 'get salted'",
        call: |_, args| of_text(args, "md5"),
    },
    Function {
        name: "sha256_digest",
        params: INSTR,
        doc: "The SHA-256 of a text, in hexadecimal.",
        example: "hashutil.sha256_digest 'get salted'",
        call: |_, args| of_text(args, "sha256"),
    },
    Function {
        name: "sha512_digest",
        params: INSTR,
        doc: "The SHA-512 of a text, in hexadecimal.",
        example: "hashutil.sha512_digest 'get salted'",
        call: |_, args| of_text(args, "sha512"),
    },
];

fn bytes(args: &Bound, name: &str) -> Result<Vec<u8>, CallError> {
    match args.get(name) {
        Value::Bytes(bytes) => Ok(bytes.clone()),
        _ => args.str(name).map(String::into_bytes),
    }
}

fn of_text(args: &Bound, algorithm: &str) -> Result<Value, CallError> {
    Ok(digest::of_bytes(algorithm, &bytes(args, "instr")?).into())
}

fn supported(args: &Bound) -> Result<String, CallError> {
    let name = args.str("checksum")?;
    if ["md5", "sha256", "sha512"].contains(&name.as_str()) {
        return Ok(name);
    }
    Err(CallError::failed(format!("no checksum is called '{name}' here: there are md5, sha256 and sha512")))
}

fn digest_text(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    of_text(args, &supported(args)?)
}

fn digest_file(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (path, algorithm) = (args.str("infile")?, supported(args)?);
    if !Path::new(&path).is_file() {
        return Err(CallError::failed(format!("there is no file {path}")));
    }
    let hex = digest::of_file(&algorithm, Path::new(&path));
    hex.map(Value::from).map_err(|error| CallError::failed(format!("cannot read {path}: {error}")))
}

fn encode(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(STANDARD.encode(bytes(args, "instr")?).into())
}

fn encode_lines(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(lines(&bytes(args, "instr")?).into())
}

/// 57 bytes give 76 letters; every line ends.
fn lines(bytes: &[u8]) -> String {
    bytes.chunks(57).map(|chunk| STANDARD.encode(chunk) + "\n").collect()
}

fn encode_file(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = args.str("fname")?;
    let content =
        std::fs::read(&path).map_err(|error| CallError::failed(format!("cannot read {path}: {error}")))?;
    Ok(lines(&content).into())
}

/// Signs that are not of the alphabet (line ends among them) do not count, as Python has it.
fn plain(args: &Bound) -> Result<Vec<u8>, CallError> {
    let letters: Vec<u8> = bytes(args, "instr")?
        .into_iter()
        .filter(|letter| letter.is_ascii_alphanumeric() || b"+/=".contains(letter))
        .collect();
    STANDARD.decode(letters).map_err(|error| args.wrong(format!("this is not base64: {error}")))
}

fn decode(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    plain(args).map(Value::from_bytes)
}

fn decode_to_file(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let path = args.str("outfile")?;
    let written = crate::write::replace(Path::new(&path), &plain(args)?, crate::write::default_mode());
    written.map(|()| true.into()).map_err(|error| CallError::failed(format!("cannot write {path}: {error}")))
}

fn mac<M: Mac + KeyInit>(args: &Bound) -> Result<M, CallError> {
    let key = bytes(args, "shared_secret")?;
    let mut mac =
        <M as KeyInit>::new_from_slice(&key).map_err(|error| CallError::failed(error.to_string()))?;
    mac.update(&bytes(args, "string")?);
    Ok(mac)
}

fn hmac_compute(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(digest::hex(&mac::<Hmac<sha2::Sha256>>(args)?.finalize().into_bytes()).into())
}

fn hmac_signature(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let challenge = STANDARD.decode(bytes(args, "challenge_hmac")?).unwrap_or_default();
    Ok(mac::<Hmac<sha2::Sha256>>(args)?.verify_slice(&challenge).is_ok().into())
}

fn github_signature(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let challenge = args.str("challenge_hmac")?;
    let (algorithm, hex) = challenge
        .split_once('=')
        .ok_or_else(|| args.wrong("challenge_hmac must look like sha256=0123..."))?;
    let pairs: Option<Vec<u8>> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let pairs = pairs.unwrap_or_default();
    let is_right = match algorithm {
        "md5" => mac::<Hmac<md5::Md5>>(args)?.verify_slice(&pairs).is_ok(),
        "sha1" => mac::<Hmac<sha1::Sha1>>(args)?.verify_slice(&pairs).is_ok(),
        "sha256" => mac::<Hmac<sha2::Sha256>>(args)?.verify_slice(&pairs).is_ok(),
        "sha512" => mac::<Hmac<sha2::Sha512>>(args)?.verify_slice(&pairs).is_ok(),
        other => {
            return Err(
                args.wrong(format!("no algorithm is called '{other}': there are md5, sha1, sha256, sha512"))
            );
        }
    };
    Ok(is_right.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Args, call, context::alone};

    fn ok(fun: &str, args: impl IntoIterator<Item = &'static str>) -> Value {
        alone(|ctx| call(ctx, fun, Args::of(args))).unwrap()
    }

    #[test]
    fn digests_and_codes_are_those_of_salt() {
        assert_eq!(ok("hashutil.digest", ["get salted"]), "2aacf29e92feaf528fb738bcf9d647ac".into());
        assert_eq!(ok("hashutil.base64_b64encode", ["get salted"]), "Z2V0IHNhbHRlZA==".into());
        assert_eq!(ok("hashutil.base64_encodestring", ["get salted"]), "Z2V0IHNhbHRlZA==\n".into());
        assert_eq!(ok("hashutil.base64_decodestring", ["Z2V0IHNh\nbHRlZA=="]), "get salted".into());
        assert_eq!(ok("hashutil.base64_b64decode", ["/w=="]), Value::Bytes(vec![255]));
        let hex = "78159ff5bb2d5e0f8d88fe403b0a690791ccbd989830fcc433d5b960c9bf0264";
        assert_eq!(ok("hashutil.hmac_compute", ["get salted", "shared secret"]), hex.into());
    }

    #[test]
    fn signatures_are_verified() {
        let right = "eBWf9bstXg+NiP5AOwppB5HMvZiYMPzEM9W5YMm/AmQ=";
        assert_eq!(ok("hashutil.hmac_signature", ["get salted", "shared secret", right]), true.into());
        assert_eq!(ok("hashutil.hmac_signature", ["get salted!", "shared secret", right]), false.into());
        let hex = "sha256=78159ff5bb2d5e0f8d88fe403b0a690791ccbd989830fcc433d5b960c9bf0264";
        assert_eq!(ok("hashutil.github_signature", ["get salted", "shared secret", hex]), true.into());
        assert_eq!(ok("hashutil.github_signature", ["get salted", "shared secret", "sha1=00"]), false.into());
    }

    #[test]
    fn long_base64_has_lines_of_76_letters() {
        let text = lines(&[0; 60]);
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [76, 4]);
        assert_eq!(lines(&[]), "");
    }
}

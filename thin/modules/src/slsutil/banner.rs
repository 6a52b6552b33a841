//! A comment in a frame.

use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::Value;

const TITLE: &str = "THIS FILE IS MANAGED BY SALT - DO NOT EDIT";
const TEXT: &str = "The contents of this file are managed by Salt. Any changes to this file may be overwritten \
                    automatically and without warning.";

/// Lines that begin and end with the comment sign, `width` columns long.
pub fn banner(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (width, comment, border) = (args.int("width")?, args.str("commentchar")?, args.str("borderchar")?);
    let width = usize::try_from(width).unwrap_or(0);
    let (left, right) = (comment.trim_end(), comment.trim());
    let columns = |text: &str| text.chars().count();
    let inner = width.saturating_sub(columns(left) + columns(right) + 2);
    if inner == 0 {
        return Err(args.wrong(format!("a width of {width} leaves no room for text")));
    }
    let title = args.opt_str("title")?.unwrap_or_else(|| TITLE.to_owned());
    let text = args.opt_str("text")?.unwrap_or_else(|| TEXT.to_owned());
    let border = border.chars().next().map(String::from).unwrap_or_default();
    let border = border.repeat(width.saturating_sub(columns(left) + columns(right)));
    let border = format!("{comment}{border}{right}");
    let spacer = format!("{comment}{}{comment}", " ".repeat(width.saturating_sub(columns(&comment) * 2)));
    let framed = |line: String| format!("{left} {line} {right}");
    let mut block: Vec<String> = args.opt_str("blockstart")?.into_iter().collect();
    block.extend([border.clone(), spacer.clone()]);
    block.extend(wrap(&title, inner).iter().map(|line| framed(centre(line, inner))));
    block.push(spacer);
    block.extend(wrap(&text, inner).iter().map(|line| framed(format!("{line:<inner$}"))));
    block.push(border);
    block.extend(args.opt_str("blockend")?);
    let end = if args.bool("newline") { "\n" } else { "" };
    Ok(format!("{}{end}", block.join("\n")).into())
}

/// The odd blank goes where Python's `center` has it.
fn centre(line: &str, width: usize) -> String {
    let room = width.saturating_sub(line.chars().count());
    let before = room / 2 + (room & width & 1);
    format!("{}{line}{}", " ".repeat(before), " ".repeat(room - before))
}

/// Lines of at most `width` columns, broken at blanks; words that are longer are cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.len() <= width => {
                line.push(' ');
                line.extend(word);
            }
            _ => {
                while word.len() > width {
                    lines.push(word.drain(..width).collect());
                }
                lines.push(word.into_iter().collect());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::{Args, call, context::alone};

    #[test]
    fn a_banner_is_as_wide_as_asked() {
        let args =
            Args::default().with("width", 30).with("title", "own").with("text", "some words to wrap around");
        let banner = alone(|ctx| call(ctx, "slsutil.banner", args)).unwrap();
        let wanted = "\
##############################
#                            #
#            own             #
#                            #
# some words to wrap around  #
##############################";
        assert_eq!(banner.as_str(), Some(wanted));
    }
}

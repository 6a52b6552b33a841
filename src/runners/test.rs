//! `test.*`: to see how arguments arrive, and to wait.

use super::registry::{Answer, Bound, Context, Default, Function, Param, Runner, RunnerError};
use halite_wire::{Map, Value};
use std::time::Duration;

pub(super) const RUNNER: Runner = Runner { name: "test", functions: FUNCTIONS };

const ARGS: Param = Param("args", Default::Rest);
const KWARGS: Param = Param("kwargs", Default::Keywords);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "test.arg",
        params: &[ARGS, KWARGS],
        doc: "The arguments as they arrived.",
        example: "test.arg one 2 three=3",
        call: |_, args| Box::pin(async { Ok(given(args, false)) }),
    },
    Function {
        name: "test.get_opts",
        params: &[],
        doc: "The configuration of the controller.",
        example: "test.get_opts",
        call: |context, _| Box::pin(async { Ok(Value::Map(context.house.opts().clone()).into()) }),
    },
    Function {
        name: "test.metasyntactic",
        params: &[Param("locality", Default::Text("us"))],
        doc: "Words that stand for anything, as they are used in a country: us or uk.",
        example: "test.metasyntactic locality=uk",
        call: |_, args| Box::pin(async move { metasyntactic(&args) }),
    },
    Function {
        name: "test.raw_arg",
        params: &[ARGS, KWARGS],
        doc: "The arguments as they arrived, those for the runner itself, too.",
        example: "test.raw_arg one 2 three=3",
        call: |_, args| Box::pin(async { Ok(given(args, true)) }),
    },
    Function {
        name: "test.sleep",
        params: &[Param("s_time", Default::Int(10))],
        doc: "Waits so many seconds.",
        example: "test.sleep 2",
        call: |_, args| Box::pin(sleep(args)),
    },
    Function {
        name: "test.stdout_print",
        params: &[],
        doc: "Prints one word and returns another, to see that output arrives.",
        example: "test.stdout_print",
        call: |context, args| Box::pin(stdout_print(context, args)),
    },
    Function {
        name: "test.stream",
        params: &[],
        doc: "Tells its progress a hundred times within ten seconds, and returns True.",
        example: "test.stream",
        call: |context, _| Box::pin(stream(context)),
    },
];

fn given(args: Bound, raw: bool) -> Answer {
    let mut keywords = args.keywords;
    if !raw {
        let own: Vec<Value> = keywords
            .keys()
            .filter(|key| key.as_str().is_some_and(|key| key.starts_with("__")))
            .cloned()
            .collect();
        own.iter().filter_map(Value::as_str).for_each(|key| _ = keywords.remove(key));
    }
    Value::Map(Map::from([("args", Value::List(args.rest)), ("kwargs", keywords.into())])).into()
}

fn metasyntactic(args: &Bound) -> Result<Answer, RunnerError> {
    let us = "foo bar baz qux quux quuz corge grault garply waldo fred plugh xyzzy thud";
    let words = match args.text("locality").unwrap_or_default().as_str() {
        "us" => us.split(' ').collect::<Value>(),
        "uk" => "wibble wobble wubble flob".split(' ').collect(),
        other => return Err(args.wrong(format!("no words are known for {other:?}; there are us and uk"))),
    };
    Ok(words.into())
}

async fn sleep(args: Bound) -> Result<Answer, RunnerError> {
    let seconds = match args.get("s_time") {
        Value::Int(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        _ => -1.0,
    };
    let time =
        Duration::try_from_secs_f64(seconds).map_err(|_| args.wrong("'s_time' is a number of seconds"))?;
    tokio::time::sleep(time).await;
    Ok(Value::Bool(true).into())
}

async fn stdout_print(context: &Context, args: Bound) -> Result<Answer, RunnerError> {
    context.house.print_line("foo").await.map_err(|why| args.failed(why))?;
    Ok(Value::from("bar").into())
}

async fn stream(context: &Context) -> Result<Answer, RunnerError> {
    for percent in 1..100 {
        context.house.progress(&format!("Runner is {percent}% done")).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(Value::Bool(true).into())
}

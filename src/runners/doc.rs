//! `doc.*`: what functions do and take.

use super::registry::{Answer, Context, Function, Runner, RunnerError, docs};
use halite_wire::{Map, Value};

pub(super) const RUNNER: Runner = Runner { name: "doc", functions: FUNCTIONS };

const FUNCTIONS: &[Function] = &[
    Function {
        name: "doc.execution",
        params: &[],
        doc: "The documentation of all execution functions.",
        example: "doc.execution",
        call: |context, _| Box::pin(execution(context)),
    },
    Function {
        name: "doc.runner",
        params: &[],
        doc: "The documentation of all runners.",
        example: "doc.runner",
        call: |_, _| Box::pin(async { Ok(Value::Map(docs(None)?).into()) }),
    },
    Function {
        name: "doc.wheel",
        params: &[],
        doc: "The documentation of all wheel functions. There is no master to be steered, and so there are none.",
        example: "doc.wheel",
        call: |_, _| Box::pin(async { Ok(Value::Map(Map::new()).into()) }),
    },
];

async fn execution(context: &Context) -> Result<Answer, RunnerError> {
    let docs = context.house.here("sys.doc", Vec::new(), Map::new()).await;
    docs.map(Answer::from).map_err(|why| RunnerError::Failed { fun: "doc.execution", why })
}

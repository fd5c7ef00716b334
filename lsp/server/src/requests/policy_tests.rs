//! A request beyond the protocol: which tests a file of policy tests holds, for editors that list and run them.

use std::sync::Arc;

use aquarium_ide::policy_tests;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_lsp::jsonrpc::Result;

use crate::analysis::Shared;
use crate::convert;

/// The text to look into: an editor lists tests of files that nobody opened.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct TestsParams {
    text: String,
}

/// The tests of a text: their names and ranges.
pub(crate) async fn tests(shared: &Arc<Shared>, params: TestsParams) -> Result<Value> {
    let encoding = shared.session().encoding;
    let work = move || {
        let (tests, snapshot) = policy_tests::tests(&params.text);
        let shown = |test: policy_tests::Test| {
            let range = convert::range(&snapshot.positions(test.span, encoding));
            json!({"name": test.name, "range": range})
        };
        tests.into_iter().map(shown).collect::<Vec<_>>().into()
    };
    shared.compute(work).await
}

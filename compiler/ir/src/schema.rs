//! The JSON Schema of the compiled policy, which `aquariumc compile --emit ir` prints and modules carry.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::number::Rational;
use crate::policy::Policy;

/// The schema, as the text of a file.
///
/// # Errors
/// Where it cannot be written as JSON, which does not happen.
pub fn policy() -> Result<String, serde_json::Error> {
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Policy>();
    RecursiveTransform(close).transform(&mut schema);
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

/// What a schema does not name is not there: a format has a number of its own for what is added.
fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

impl JsonSchema for Rational {
    fn schema_name() -> Cow<'static, str> {
        "Rational".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An exact number: a decimal fraction, or a quotient of two integers.",
            "type": "string",
            "pattern": "^-?[0-9]+(\\.[0-9]+|/[0-9]+)?$",
        })
    }
}

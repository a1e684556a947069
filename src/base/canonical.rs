//! Canonical JSON: the same value is the same bytes, whatever order a database or a library keeps its keys in.

use serde_json::Value;
use std::collections::BTreeMap;

/// The value with all keys sorted and without spaces.
#[must_use]
pub fn json(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            let pairs: Vec<String> = sorted
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), json(value)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let one: Value =
            serde_json::from_str(r#"{"b": [1, {"y": null, "x": "田\"\n"}], "a": {"d": true, "c": -2}}"#).unwrap();
        let same = json!({ "a": { "c": -2, "d": true }, "b": [1, { "x": "田\"\n", "y": null }] });
        assert_eq!(json(&one), r#"{"a":{"c":-2,"d":true},"b":[1,{"x":"田\"\n","y":null}]}"#);
        assert_eq!(json(&one), json(&same));
        assert_eq!(serde_json::from_str::<Value>(&json(&one)).unwrap(), one);
    }
}

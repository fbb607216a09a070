//! Compares a written document with a printed one.

use serde_json::Value;

/// Asserts that `written` has every key of `printed`, each with a value of the same type; `other_type` names the paths
/// at which the two documents or their tables disagree about the type.
pub(crate) fn has_all_of(name: &str, printed: &Value, written: &Value, other_type: &[&str]) {
    let mut lacking = Vec::new();
    compare(printed, written, "", other_type, &mut lacking);
    assert!(lacking.is_empty(), "{name}: {lacking:#?}\nwritten: {written:#}");
}

fn compare(printed: &Value, written: &Value, path: &str, other_type: &[&str], lacking: &mut Vec<String>) {
    match (printed, written) {
        (Value::Object(printed), Value::Object(written)) => {
            for (key, value) in printed {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match written.get(key) {
                    Some(other) => compare(value, other, &path, other_type, lacking),
                    None => lacking.push(format!("{path} is missing")),
                }
            }
        }
        (Value::Array(printed), Value::Array(written)) => {
            if printed.len() > written.len() {
                lacking.push(format!("{path} has {} members, not {}", written.len(), printed.len()));
            }
            for (printed, written) in printed.iter().zip(written) {
                compare(printed, written, &format!("{path}[]"), other_type, lacking);
            }
        }
        (Value::Null, Value::Null)
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::String(_), Value::String(_)) => {}
        _ if other_type.contains(&path) => {}
        _ => lacking.push(format!("{path} is {written}, printed {printed}")),
    }
}

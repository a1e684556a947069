//! Reading settings: one table laid over another, variables, secrets from files, and what a wrong one is answered with.

use super::{DEFAULTS, Fault};
use toml::{Table, Value};

/// Lays `table` over `settings`, refusing keys and types that `defaults` does not know.
pub(super) fn overlay(settings: &mut Table, defaults: &Table, table: Table, at: &str) -> Result<(), Fault> {
    for (name, value) in table {
        let key = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let Some(default) = defaults.get(&name) else {
            let known: Vec<&str> = defaults.keys().map(String::as_str).collect();
            let place = if at.is_empty() { "at the top".to_owned() } else { format!("in [{at}]") };
            let value = show(&key, Some(&value));
            return Err(Fault(format!("unknown setting {key} = {value}; {place} there are: {}", known.join(", "))));
        };
        match (default, value) {
            (Value::Table(inner), Value::Table(value)) => {
                if let Some(Value::Table(current)) = settings.get_mut(&name) {
                    overlay(current, inner, value, &key)?;
                }
            }
            (default, value) if default.same_type(&value) => {
                settings.insert(name, value);
            }
            (_, value) => return Err(wrong(&key, Some(&value))),
        }
    }
    Ok(())
}

/// `SHUITIAN__HTTP__LISTEN` and its value as the table `[http] listen`.
pub(super) fn from_variable(name: &str, value: &str, defaults: &Table) -> Result<Table, Fault> {
    let path: Vec<String> = name.trim_start_matches("SHUITIAN__").split("__").map(str::to_lowercase).collect();
    let key = path.join(".");
    let parsed = match lookup(defaults, &key) {
        Some(Value::Integer(_)) => value.parse().map(Value::Integer).ok(),
        Some(Value::Boolean(_)) => value.parse().map(Value::Boolean).ok(),
        Some(Value::Array(_)) if value.trim_start().starts_with('[') => {
            format!("v = {value}").parse::<Table>().ok().and_then(|t| t.get("v").cloned())
        }
        Some(Value::Array(_)) => {
            let words = value.split(',').map(str::trim).filter(|w| !w.is_empty());
            Some(Value::Array(words.map(|w| Value::String(w.to_owned())).collect()))
        }
        _ => Some(Value::String(value.to_owned())),
    };
    let mut value = parsed.ok_or_else(|| wrong(&key, Some(&Value::String(value.to_owned()))))?;
    for name in path.into_iter().rev() {
        value = Value::Table(Table::from_iter([(name, value)]));
    }
    match value {
        Value::Table(table) => Ok(table),
        _ => Err(Fault(format!("unknown setting {name}"))),
    }
}

/// Reads each `…_file` into the key it stands for; the lines of a file become a list.
pub(super) fn read_secret_files(table: &mut Table, defaults: &Table, at: &str) -> Result<(), Fault> {
    let names: Vec<String> = table.keys().cloned().collect();
    for name in names {
        let key = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        if let (Some(Value::Table(inner)), Some(Value::Table(default))) = (table.get_mut(&name), defaults.get(&name)) {
            read_secret_files(inner, default, &key)?;
        }
        let (Some(plain), Some(Value::String(path))) = (name.strip_suffix("_file"), table.get(&name)) else { continue };
        if path.is_empty() {
            continue;
        }
        if table.get(plain) != defaults.get(plain) {
            return Err(Fault(format!("{key} and the key it stands for are both set; keep one")));
        }
        let text = std::fs::read_to_string(path).map_err(|e| Fault(format!("{key}: cannot read {path}: {e}")))?;
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        table.insert(plain.to_owned(), Value::String(lines.join(",")));
    }
    Ok(())
}

pub(super) fn lookup<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    // `sms.gateways[0]` is about `sms.gateways`.
    let mut parts = key.split(['.', '[']);
    let mut value = table.get(parts.next()?)?;
    for part in parts {
        match value {
            Value::Table(table) => value = table.get(part)?,
            _ => return Some(value),
        }
    }
    Some(value)
}

pub(super) fn wrong(key: &str, value: Option<&Value>) -> Fault {
    Fault(format!("{key} = {} is not allowed. {}", show(key, value), allowed(key)))
}

/// The value for a message, unless it is a secret.
fn show(key: &str, value: Option<&Value>) -> String {
    let secret =
        ["keys", "secret", "password", "url", "proxy"].iter().any(|s| key.contains(s)) && key != "http.public_url";
    match value {
        Some(value) if !secret => value.to_string(),
        _ => "(not shown)".to_owned(),
    }
}

/// The comment above a key in the embedded file.
fn allowed(key: &str) -> String {
    let key = key.split('[').next().unwrap_or(key);
    let (mut section, mut comment) = (String::new(), Vec::new());
    for line in DEFAULTS.lines() {
        if let Some(words) = line.strip_prefix("# ") {
            comment.push(words);
        } else if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
            comment.clear();
        } else if let Some((name, _)) = line.split_once(" = ") {
            if format!("{section}{name}") == key {
                return comment.join(" ");
            }
            comment.clear();
        } else {
            comment.clear();
        }
    }
    String::new()
}

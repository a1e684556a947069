//! What the product would write, as a script of pgbench: its own statements, with ids that each transaction draws anew.

/// Values that differ from transaction to transaction, by the text they have in the product's statement.
#[derive(Clone, Default)]
pub struct Script(Vec<(String, String)>);

/// An id of its own for each transaction: of one kind, in the order of time as the product's are, and the same wherever a
/// transaction names it.
pub fn id(kind: u8) -> String {
    format!(
        "('01900000-00{kind:02x}-7' || lpad(to_hex(:client_id::int), 3, '0') || '-8000-' || lpad(to_hex(:n::bigint), 12, '0'))"
    )
}

impl Script {
    /// Stands an expression that gives a text in for a value.
    pub fn put(mut self, value: impl ToString, expression: impl Into<String>) -> Self {
        self.0.push((value.to_string(), expression.into()));
        self
    }

    /// The statement, with its values stood in for.
    pub fn of(&self, sql: &str) -> String {
        let mut out = String::new();
        // Every other part stands between quotes; none of ours holds one.
        for (n, part) in sql.split('\'').enumerate() {
            if n % 2 == 0 {
                out += part;
            } else {
                out += &self.literal(part);
            }
        }
        out
    }

    fn literal(&self, text: &str) -> String {
        let Some((value, expression)) = self.0.iter().find(|(value, _)| text.contains(value)) else {
            return format!("'{text}'");
        };
        let (before, after) = text.split_once(value).unwrap();
        match (before, after) {
            ("", "") if value.len() == 36 => format!("{expression}::uuid"),
            ("", "") => expression.clone(),
            _ => format!("('{before}' || {expression} || '{after}')"),
        }
    }
}

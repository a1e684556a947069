//! The schema, step by step. A step never changes once it has landed, and imports nothing of ours:
//! it must mean the same in ten years, whatever the rest of the program has become.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

mod m0001_foundation;

pub use sea_orm_migration::MigratorTrait;

/// Runs the steps in their order.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_foundation::Step)]
    }
}

/// Writes the few column types that differ between the databases into a step's SQL.
///
/// A moment is a 64-bit integer of UTC milliseconds and a day is a `date` on both.
fn dialect(backend: DbBackend, sql: &str) -> String {
    let (id, bytes, json) = match backend {
        DbBackend::Postgres => ("uuid", "bytea", "jsonb"),
        _ => ("blob", "blob", "text"),
    };
    sql.replace("{id}", id).replace("{bytes}", bytes).replace("{json}", json)
}

//! Materials taken in with a case.

use super::*;
/// One material.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "material")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The case.
    pub case_id: Id,
    /// Place in the list, from 1.
    pub n: i32,
    /// Name.
    pub name: String,
    /// Original, copy or electronic.
    pub form: MaterialForm,
    /// Copies taken in.
    pub copies: i32,
    /// On what account it counts.
    pub standing: MaterialStanding,
    /// Its scan, or the electronic material itself.
    pub file_id: Option<Id>,
    /// The earlier material that is used again.
    pub reused_id: Option<Id>,
    /// The day by whose end it follows, or the promise is looked into.
    pub due_on: Option<NaiveDate>,
    /// When it came, or the promise was looked into.
    pub settled_at: Option<Time>,
    /// Whether the promise was kept.
    pub kept: Option<bool>,
    /// When it was found late, if it was.
    pub late_on: Option<NaiveDate>,
}
plain!();

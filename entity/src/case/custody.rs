//! Who has the originals of a case, and its file (材料交接, articles 4.6 and 5.3.2e).

use super::*;
/// From a moment on somebody has something: the last row of a thing says who.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "custody")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The case.
    pub case_id: Id,
    /// The original; none for the file of the case.
    pub material_id: Option<Id>,
    /// The post that has it; none, once it was handed back.
    pub post_id: Option<Id>,
    /// The member of staff who took it, or handed it back.
    pub staff_id: Id,
    /// Who signed for it, where it was handed back.
    pub signed_by: Option<Sealed>,
    /// When.
    pub at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// When it was found not to have been handed back, if it was.
    pub lead_on: Option<NaiveDate>,
}
plain!();

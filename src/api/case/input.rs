//! What the doors of cases take.

use crate::api::view::{ApplicantInput, Text};
use crate::domain::applicant::Typed;
use crate::domain::case::{Agent, Correction, Instead, Taken};
use chrono::NaiveDate;
use entity::Id;
use entity::applicant::{ApplicantKind, IdType};
use entity::case::agent::AgentKind;
use entity::case::{Channel, MaterialForm, MaterialStanding};
use poem_openapi::Object;
use poem_openapi::types::MaybeUndefined;

/// A material as it is taken in.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct MaterialInput {
    /// Name.
    pub(super) name: Text,
    /// Original, copy or electronic.
    pub(super) form: MaterialForm,
    /// Copies; one if left out.
    pub(super) copies: Option<i32>,
    /// On what account it counts; given if left out.
    pub(super) standing: Option<MaterialStanding>,
    /// The day by whose end it follows, or the promise is looked into.
    pub(super) due_on: Option<NaiveDate>,
    /// The earlier material that is used again.
    pub(super) reuses: Option<Id>,
    /// Its giver consents to that.
    pub(super) consent: Option<bool>,
    /// A file that was given as `material`: its scan, or the electronic material itself.
    pub(super) file_id: Option<Id>,
    /// An original that stays here for now, and is handed back against a signature.
    pub(super) kept: Option<bool>,
}

impl From<MaterialInput> for Taken {
    fn from(input: MaterialInput) -> Self {
        Self {
            instead: Instead::from(&input),
            file: input.file_id,
            kept: input.kept == Some(true),
            ..Self::given(input.name.into(), input.form, input.copies.unwrap_or(1))
        }
    }
}

/// Who brings a case for its applicant, by 帮办代办.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct AgentInput {
    /// His name.
    name: Text,
    /// His phone.
    phone: Option<Text>,
    /// Kind of his document, if one is shown.
    id_type: Option<IdType>,
    /// Its number.
    id_number: Option<Text>,
    /// What he is to the applicant.
    kind: AgentKind,
    /// Day of the letter of authorisation.
    authorised_on: NaiveDate,
    /// A scan of it that was given as `material`; left out where the letter stays on paper.
    letter_id: Option<Id>,
}

impl From<AgentInput> for Agent {
    fn from(input: AgentInput) -> Self {
        let person = Typed {
            kind: ApplicantKind::Person,
            name: input.name.into(),
            phone: input.phone.map(String::from),
            id_type: input.id_type,
            id_number: input.id_number.map(String::from),
        };
        Self { person, kind: input.kind, authorised_on: input.authorised_on, letter: input.letter_id }
    }
}

/// What the window takes in.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct ReceiveInput {
    /// Code of the guide.
    pub(super) guide: Text,
    /// How it came.
    pub(super) channel: Channel,
    /// The booking it came by.
    pub(super) booking_id: Option<Id>,
    /// Who applies; a phone is not needed.
    pub(super) applicant: ApplicantInput,
    /// Who brings it for him; for the channel `agent`, and needed there.
    pub(super) agent: Option<AgentInput>,
    /// What was handed over.
    pub(super) materials: Option<Vec<MaterialInput>>,
    /// The consultation that it began with: whoever was asked first is kept with the case.
    pub(super) consultation_id: Option<Id>,
    /// A 即办件 is accepted, granted and handed over in the same act.
    pub(super) at_once: Option<bool>,
}

/// What is to be put right. A field that is left out stays; null takes it away.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct CorrectionInput {
    /// Name.
    pub(super) name: Option<Text>,
    /// Mobile, or landline with its area code.
    pub(super) phone: MaybeUndefined<Text>,
    /// Citizen, legal person or organisation.
    pub(super) kind: Option<ApplicantKind>,
    /// Kind of document.
    pub(super) id_type: MaybeUndefined<IdType>,
    /// Its number.
    pub(super) id_number: MaybeUndefined<Text>,
}

impl From<CorrectionInput> for Correction {
    fn from(input: CorrectionInput) -> Self {
        Self {
            kind: input.kind,
            name: input.name.map(String::from),
            phone: given(input.phone).map(|phone| phone.map(String::from)),
            id_type: given(input.id_type),
            id_number: given(input.id_number).map(|number| number.map(String::from)),
        }
    }
}

/// A field as it was given: left out, null, or a value.
fn given<T>(field: MaybeUndefined<T>) -> Option<Option<T>> {
    match field {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// Whom to look for. In a body, for a name does not belong into an address.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct SearchInput {
    /// Exact name, phone or number of a document.
    pub(super) person: Text,
}

/// A look at personal data.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct RevealInput {
    /// Among `name`, `phone`, `id_number`, `agent_name`, `agent_phone`.
    pub(super) fields: Vec<Text>,
    /// Why; written down with who looked.
    pub(super) purpose: Text,
}

/// A number and what proves that one has to do with it.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct ProgressInput {
    /// Number of the case or of its receipt.
    pub(super) number: Text,
    /// Check code of the receipt.
    pub(super) check_code: Option<Text>,
    /// Last four digits of the applicant's phone.
    pub(super) phone_tail: Option<Text>,
}

/// What proves that a case one sees in part is one's own.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct ProofInput {
    /// Check code of the receipt.
    pub(super) check_code: Option<Text>,
    /// Last four characters of the applicant's document.
    pub(super) id_tail: Option<Text>,
}

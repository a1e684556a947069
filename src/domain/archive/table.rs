//! Every table, as the entities describe it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use entity::Id;
use sea_orm::{ColumnTrait as _, ColumnType, EntityTrait, IdenStatic as _, Iterable as _, QueryResult, Value};
use serde_json::Value as Json;

/// A table that is archived.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: Vec<(&'static str, Form)>,
}

/// The form of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Id,
    Text,
    Integer,
    Long,
    Boolean,
    Date,
    Bytes,
    Json,
}

fn of<E: EntityTrait>() -> Table {
    let form = |column: &E::Column| match column.def().get_column_type() {
        ColumnType::Uuid => Form::Id,
        ColumnType::Integer => Form::Integer,
        ColumnType::BigInteger => Form::Long,
        ColumnType::Boolean => Form::Boolean,
        ColumnType::Date => Form::Date,
        ColumnType::VarBinary(_) | ColumnType::Blob | ColumnType::Binary(_) => Form::Bytes,
        ColumnType::Json | ColumnType::JsonBinary => Form::Json,
        _ => Form::Text,
    };
    Table {
        name: E::default().table_name(),
        columns: E::Column::iter().map(|column| (column.as_str(), form(&column))).collect(),
    }
}

/// Lists the tables of these entities.
macro_rules! tables {
    ($($($part:ident)::+),+ $(,)?) => { vec![$(of::<entity::$($part)::+::Entity>()),+] };
}

/// Every table but those of the moment: leases, the edition, what gateways reported or pushed and how they do. Each after those that it
/// refers to. A test compares the list with the schema.
pub(super) fn all() -> Vec<Table> {
    tables![
        calendar::year,
        calendar::day,
        centre,
        centre::host,
        centre::office,
        centre::branch,
        centre::hours,
        centre::counter,
        audit,
        notice,
        notice::template,
        notice::vendor,
        notice::attempt,
        notice::stop,
        notice::doubt,
        notice::pace,
        notice::spend,
        notice::uplink,
        identity::account,
        notice::permit,
        identity::staff,
        identity::session,
        identity::phone_code,
        identity::idempotency,
        centre::screen,
        applicant,
        file,
        guide,
        guide::version,
        guide::draft,
        attendance::duty,
        attendance,
        post,
        post::holder,
        post::item,
        leave,
        leave::whereabouts,
        cover,
        cover::handover,
        authority,
        authority::power,
        booking::desk_group,
        booking::desk,
        booking::template,
        booking::service,
        booking::slot,
        closure,
        closure::make_up,
        booking::held,
        booking::rule,
        booking,
        booking::event,
        booking::appeal,
        queue,
        queue::event,
        matter,
        matter::consent,
        training,
        training::attendee,
        consultation,
        case,
        case::event,
        case::agent,
        document,
        case::step,
        case::negative,
        case::trip,
        case::supplement,
        case::material,
        case::custody,
        supervision,
        seal,
        seal::used,
        review::invitation,
        review,
        review::rectification,
        review::upload,
        bulletin,
    ]
}

/// Names of all tables that are archived.
#[must_use]
pub fn names() -> Vec<&'static str> {
    all().into_iter().map(|t| t.name).collect()
}

impl Form {
    /// A value of a row, as the file has it.
    pub(super) fn read(self, row: &QueryResult, column: &str) -> anyhow::Result<Json> {
        let json = |value: Option<Json>| value.unwrap_or(Json::Null);
        Ok(match self {
            Self::Id => json(row.try_get::<Option<Id>>("", column)?.map(|v| v.to_string().into())),
            Self::Text => json(row.try_get::<Option<String>>("", column)?.map(Into::into)),
            Self::Integer => json(row.try_get::<Option<i32>>("", column)?.map(Into::into)),
            Self::Long => json(row.try_get::<Option<i64>>("", column)?.map(Into::into)),
            Self::Boolean => json(row.try_get::<Option<bool>>("", column)?.map(Into::into)),
            Self::Date => json(row.try_get::<Option<NaiveDate>>("", column)?.map(|v| v.to_string().into())),
            Self::Bytes => json(row.try_get::<Option<Vec<u8>>>("", column)?.map(|v| STANDARD.encode(v).into())),
            Self::Json => json(row.try_get::<Option<Json>>("", column)?),
        })
    }

    /// The same for the database; nothing if it is not of this form.
    pub(super) fn write(self, value: Json) -> Option<Value> {
        let null = value.is_null();
        let text = || value.as_str().map(ToOwned::to_owned);
        Some(match self {
            Self::Id if null => None::<Id>.into(),
            Self::Text if null => None::<String>.into(),
            Self::Integer if null => None::<i32>.into(),
            Self::Long if null => None::<i64>.into(),
            Self::Boolean if null => None::<bool>.into(),
            Self::Date if null => None::<NaiveDate>.into(),
            Self::Bytes if null => None::<Vec<u8>>.into(),
            Self::Json if null => None::<Json>.into(),
            Self::Id => Id::parse_str(value.as_str()?).ok()?.into(),
            Self::Text => text()?.into(),
            Self::Integer => i32::try_from(value.as_i64()?).ok()?.into(),
            Self::Long => value.as_i64()?.into(),
            Self::Boolean => value.as_bool()?.into(),
            Self::Date => value.as_str()?.parse::<NaiveDate>().ok()?.into(),
            Self::Bytes => STANDARD.decode(value.as_str()?).ok()?.into(),
            Self::Json => value.into(),
        })
    }
}

impl Table {
    /// True when the table has this column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| *name == column)
    }
}

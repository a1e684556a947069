//! Taking a place for a booking: the place, and everything that is written with it. The only act with two forms: PostgreSQL does
//! it in one statement, for between two statements another waits for the slot; SQLite has one writer, and does one after the
//! other. A test compares them.

use super::ALREADY_BOOKED;
use super::book::{happened, person};
use super::place::{Place, taken_of, taking};
use crate::base::error::Result;
use crate::domain::act::{Act, CAME_BETWEEN};
use crate::domain::applicant::{self, Applicant};
use crate::domain::guide::Guide;
use crate::domain::notice;
use entity::booking::{self, BookingState, event, slot};
use entity::{Id, Time};
use sea_orm::sea_query::{
    Asterisk, CommonTableExpression, Expr, ExprTrait as _, InsertStatement, IntoIden, Query, SubQueryStatement,
    UpdateStatement, WithClause, WithQuery,
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait as _, DatabaseBackend, DbErr, EntityTrait,
    IntoActiveModel, Iterable as _, QueryFilter as _, QueryTrait as _, SqlErr,
};

/// What a booking writes besides its place.
#[derive(Clone, Debug)]
pub struct Entry {
    /// For whom, as he was then.
    pub applicant: entity::applicant::Model,
    /// The booking.
    pub booking: booking::Model,
    /// That it was made.
    pub event: event::Model,
    /// What is said of it.
    pub notices: Vec<entity::notice::Model>,
}

impl Entry {
    /// What a booking of a place writes that is made now; nothing is said of it yet.
    ///
    /// # Errors
    /// Only if the cipher itself fails.
    pub fn new(
        act: &Act,
        guide: &Guide,
        place: &Place,
        applicant: &Applicant,
        account: Option<Id>,
        for_other: bool,
    ) -> Result<Self> {
        let snapshot = applicant::snapshot(act, applicant)?;
        let booking = booking::Model {
            id: act.id(),
            centre_id: act.centre.id,
            number: act.random.word(8),
            slot_id: place.slot.id,
            slots: place.length(),
            online: account.is_some(),
            starts_at: place.slot.starts_at,
            ends_at: place.ends_at,
            on_date: place.slot.on_date,
            guide_id: guide.row.id,
            office_id: guide.row.office_id,
            account_id: account,
            applicant_id: snapshot.id,
            person_blind: act.blind("person", &person(account, applicant)),
            for_other,
            state: BookingState::Booked,
            sequence: 0,
            created_at: act.now,
        };
        Ok(Self { applicant: snapshot, event: happened(act, &booking, None), booking, notices: Vec::new() })
    }

    /// Writes it, for a place that is had already.
    pub(super) async fn write(self, act: &Act) -> Result<()> {
        act.insert(self.applicant).await?;
        if !act.insert_new(self.booking).await? {
            return Err(ALREADY_BOOKED.into());
        }
        act.insert(self.event).await?;
        notice::put(act, self.notices).await
    }
}

/// A place that is about to be taken, with what is written then.
#[derive(Clone, Debug)]
pub struct Taking {
    /// The slots, one after the other.
    pub slots: Vec<Id>,
    /// The desk group that offers them.
    pub group: Id,
    /// By a resident himself, who has a share of the places.
    pub online: bool,
    /// When.
    pub now: Time,
    /// The account that takes it and its turn, where both were only looked at.
    pub turn: Option<(Id, i32)>,
    /// What is written with it.
    pub entry: Entry,
}

impl Taking {
    /// Takes it, in the form of the database. False where there is no place left, or the slot is no longer to be had; an act
    /// that writes more is to be taken back then.
    ///
    /// # Errors
    /// `already_booked`; `came_between` for a look that is no longer true.
    pub async fn take(self, act: &Act) -> Result<bool> {
        match act.tx.get_database_backend() {
            DatabaseBackend::Postgres => self.at_once(act).await,
            _ => self.in_turn(act).await,
        }
    }

    /// Takes it in one statement.
    ///
    /// # Errors
    /// `already_booked`, `came_between`.
    pub async fn at_once(self, act: &Act) -> Result<bool> {
        let told = match act.tx.at_once(&self.statement()).await {
            Ok(told) => told.ok_or_else(|| anyhow::anyhow!("taking a place told nothing"))?,
            Err(error) if is_twice(&error) => return Err(ALREADY_BOOKED.into()),
            Err(error) => return Err(error.into()),
        };
        let (turned, whole): (bool, bool) = (told.try_get("", "turned")?, told.try_get("", "whole")?);
        if !turned {
            return Err(CAME_BETWEEN.into());
        }
        if whole {
            notice::wake(act, &self.entry.notices);
        }
        Ok(whole)
    }

    /// Takes it in one statement after the other.
    ///
    /// # Errors
    /// `already_booked`.
    pub async fn in_turn(self, act: &Act) -> Result<bool> {
        let taken = taking(&self.slots, self.group, self.online, self.now).exec_with_returning(&*act.tx).await?;
        if taken_of(taken, self.slots.len()).is_none() {
            return Ok(false);
        }
        self.entry.write(act).await.map(|()| true)
    }

    /// The one statement: the places, and where all of them were had, the rows. Where it follows a look, it does nothing unless
    /// the account's turn is still as it was seen.
    #[must_use]
    pub fn statement(&self) -> WithQuery {
        let mut place = taking(&self.slots, self.group, self.online, self.now);
        let mut with = WithClause::new();
        let any = |of: &'static str| Expr::exists(Query::select().expr(Expr::value(1)).from(of).to_owned());
        let mut turned = Expr::value(true);
        if let Some((account, turn)) = self.turn {
            with.cte(part("turned", turning(account, turn)));
            place = place.filter(any("turned"));
            turned = any("turned");
        }
        let mut place = place.into_query();
        place.returning(Query::returning().column(slot::Column::Id));
        let wanted = i64::try_from(self.slots.len()).unwrap_or(i64::MAX);
        let whole = Query::select()
            .expr_as(Expr::value(1), "one")
            .from("taken")
            .and_having(Expr::col(Asterisk).count().eq(wanted))
            .to_owned();
        let Entry { applicant, booking, event, notices } = self.entry.clone();
        with.cte(part("taken", place))
            .cte(part("whole", whole))
            .cte(part("snapshot", row::<entity::applicant::Entity>(applicant)))
            .cte(part("entered", row::<booking::Entity>(booking)))
            .cte(part("recorded", row::<event::Entity>(event)));
        for (n, notice) in notices.into_iter().enumerate() {
            with.cte(part(format!("said_{n}"), row::<entity::notice::Entity>(notice)));
        }
        with.query(Query::select().expr_as(turned, "turned").expr_as(any("whole"), "whole").to_owned())
    }
}

/// True where the database has such a row already.
fn is_twice(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// Takes an account's turn, if nobody has since it was looked at.
fn turning(account: Id, turn: i32) -> UpdateStatement {
    use entity::identity::account::{Column, Entity};
    let mut turning = Entity::update_many()
        .col_expr(Column::Turn, Expr::value(turn + 1))
        .filter(Column::Id.eq(account))
        .filter(Column::Turn.eq(turn))
        .into_query();
    turning.returning(Query::returning().column(Column::Id));
    turning
}

fn part(name: impl IntoIden, query: impl Into<SubQueryStatement>) -> CommonTableExpression {
    let mut part = CommonTableExpression::new();
    part.query(query).table_name(name);
    part
}

/// A row that goes in where the whole place was had.
fn row<E: EntityTrait>(model: E::Model) -> InsertStatement
where
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let model = model.into_active_model();
    let values = E::Column::iter().filter_map(|column| model.get(column).into_value());
    let row = Query::select().exprs(values.map(Expr::value)).from("whole").to_owned();
    let mut insert = Query::insert();
    insert.into_table(E::default()).columns(E::Column::iter());
    // It fails where there are not as many values as columns; a model is whole.
    let _ = insert.select_from(row);
    insert
}

//! The act (行为): what a rule that writes is given.

use crate::base::database::{ROWS, Work};
use crate::base::error::{Error, Result};
use crate::base::settings::{Links, Quiet};
use crate::base::vault::{Place, Vault};
use crate::base::{Kind, Random, Refusal};
use crate::domain::published::Centre;
use entity::audit::ActorKind;
use entity::identity::Role;
use entity::{Blind, Id, Sealed, Time};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

/// A cursor that no page gave.
pub const BAD_CURSOR: Refusal = Refusal::new(Kind::Unreadable, "bad_cursor", "翻页标记无效，请从第一页重新查询。");

/// Somebody acted in between, or the act cannot be done by one statement: it is to be done in a transaction.
pub const CAME_BETWEEN: Refusal = Refusal::new(Kind::Conflict, "came_between", "刚才有别的操作，请再试一次。");

/// Who acts. It comes from credentials, never from a request's body.
#[derive(Clone, Debug)]
pub enum Who {
    /// A job of the timetable, by name.
    System(&'static str),
    /// Whoever runs the command line on the server.
    Operator,
    /// A signed-in resident, by account.
    Resident(Id),
    /// A signed-in member of staff.
    Staff(Arc<StaffMember>),
    /// Whoever holds a link, a code or a telephone.
    Bearer,
}

/// A member of staff as rules need to know him.
#[derive(Clone, Debug)]
pub struct StaffMember {
    /// His id.
    pub id: Id,
    /// His name.
    pub name: String,
    /// What he may do.
    pub roles: Vec<Role>,
    /// The office he belongs to.
    pub office: Option<Id>,
    /// Hash of the device of his session.
    pub device: Blind,
}

impl StaffMember {
    /// True when he has one of these roles.
    #[must_use]
    pub fn is_any(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|r| roles.contains(r))
    }
}

impl Who {
    /// The kind, for the trail.
    #[must_use]
    pub const fn kind(&self) -> ActorKind {
        match self {
            Self::System(_) => ActorKind::System,
            Self::Operator => ActorKind::Operator,
            Self::Resident(_) => ActorKind::Resident,
            Self::Staff(_) => ActorKind::Staff,
            Self::Bearer => ActorKind::Bearer,
        }
    }

    /// Account, staff or job, for the trail.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::System(job) => (*job).to_owned(),
            Self::Operator => "operator".to_owned(),
            Self::Resident(account) => account.to_string(),
            Self::Staff(staff) => staff.id.to_string(),
            Self::Bearer => "bearer".to_owned(),
        }
    }

    /// The resident's account, if it is one.
    #[must_use]
    pub const fn account(&self) -> Option<Id> {
        match self {
            Self::Resident(account) => Some(*account),
            _ => None,
        }
    }
}

/// Settings that rules go by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Days in which a case can be rated, and a review added to.
    pub review_days: i64,
    /// Address people open, without a slash at the end.
    pub public_url: String,
    /// What a text that invites to rate may carry.
    pub links: Links,
    /// Hours in which nobody is woken.
    pub quiet: Quiet,
}

/// One transaction, with the moment, the actor and the centre it is done for.
#[derive(Clone)]
pub struct Act {
    /// What it works by, as a rule a transaction. Ended by whoever began it.
    pub tx: Arc<Work>,
    /// The moment; it stands still within an act.
    pub now: Time,
    /// Who acts.
    pub who: Who,
    /// For which centre.
    pub centre: Arc<Centre>,
    /// Seals and opens personal data.
    pub vault: Arc<Vault>,
    /// Draws ids, numbers and codes.
    pub random: Random,
    /// Settings that rules go by.
    pub rules: Arc<Rules>,
    spoke: Arc<AtomicBool>,
    made: Arc<AtomicU16>,
}

impl Act {
    /// An act in a transaction that has begun, or one that looks.
    #[must_use]
    pub fn new(
        tx: Work,
        now: Time,
        who: Who,
        centre: Arc<Centre>,
        vault: Arc<Vault>,
        random: Random,
        rules: Arc<Rules>,
    ) -> Self {
        let tx = Arc::new(tx);
        Self { tx, now, who, centre, vault, random, rules, spoke: Arc::default(), made: Arc::default() }
    }

    /// The same act by someone else at another moment; for demonstrations, which tell a past.
    #[must_use]
    pub fn at(&self, now: Time, who: Who) -> Self {
        Self { now, who, ..self.clone() }
    }

    /// A new opaque id; what is made later in an act sorts after what was made before.
    #[must_use]
    pub fn id(&self) -> Id {
        self.random.nth_id(self.now, self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// Inserts a row.
    ///
    /// # Errors
    /// Whatever the database says; a conflict is a fault here.
    pub async fn insert<M, A>(&self, row: M) -> Result<M>
    where
        M: ModelTrait + IntoActiveModel<A> + Clone,
        A: sea_orm::ActiveModelTrait<Entity = M::Entity>,
    {
        M::Entity::insert(row.clone().into_active_model()).exec_without_returning(&*self.tx).await?;
        Ok(row)
    }

    /// Inserts rows of one table, however many.
    ///
    /// # Errors
    /// Whatever the database says; a conflict is a fault here.
    pub async fn insert_all<M, A>(&self, rows: Vec<M>) -> Result<()>
    where
        M: ModelTrait + IntoActiveModel<A>,
        A: sea_orm::ActiveModelTrait<Entity = M::Entity>,
    {
        let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
        while rows.peek().is_some() {
            M::Entity::insert_many(rows.by_ref().take(ROWS)).exec_without_returning(&*self.tx).await?;
        }
        Ok(())
    }

    /// Inserts a row unless a unique index already has its like; true when it went in.
    ///
    /// # Errors
    /// Whatever else the database says.
    pub async fn insert_new<M, A>(&self, row: M) -> Result<bool>
    where
        M: ModelTrait + IntoActiveModel<A>,
        A: sea_orm::ActiveModelTrait<Entity = M::Entity>,
    {
        // A plain unique violation would abort the whole transaction on PostgreSQL.
        let rows = M::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&*self.tx)
            .await?;
        Ok(rows == 1)
    }

    /// Seals a text for a column of a row of this centre.
    ///
    /// # Errors
    /// Only if the cipher itself fails.
    pub fn seal(&self, column: &'static str, row: Id, text: &str) -> Result<Sealed> {
        Ok(self.vault.seal(Place::new(column, self.centre.id, row), text)?)
    }

    /// Opens a column of a row of this centre.
    ///
    /// # Errors
    /// A key that is not here, or a value that was changed or moved.
    pub fn open(&self, column: &'static str, row: Id, sealed: &Sealed) -> Result<String> {
        Ok(self.vault.open(Place::new(column, self.centre.id, row), sealed)?)
    }

    /// The blind index of a value in this centre.
    #[must_use]
    pub fn blind(&self, kind: &str, value: &str) -> Blind {
        self.vault.blind(kind, self.centre.id, value)
    }

    /// The blind indexes under which a value of this centre may be stored.
    #[must_use]
    pub fn blinds(&self, kind: &str, value: &str) -> Vec<Blind> {
        self.vault.blinds(kind, self.centre.id, value)
    }

    /// Remembers that a notice was said, so that the deliverer is woken after the commit.
    pub fn spoke(&self) {
        self.spoke.store(true, Ordering::Relaxed);
    }

    /// True when a notice was said in this act.
    #[must_use]
    pub fn has_spoken(&self) -> bool {
        self.spoke.load(Ordering::Relaxed)
    }
}

/// An act that changes what is published. It reads everything anew, and its commit makes a new edition.
pub struct Publishing(Act);

impl Publishing {
    /// An act whose centre keeps nothing.
    #[must_use]
    pub const fn new(act: Act) -> Self {
        Self(act)
    }

    /// The act, to be ended.
    #[must_use]
    pub fn into_act(self) -> Act {
        self.0
    }
}

impl Deref for Publishing {
    type Target = Act;
    fn deref(&self) -> &Act {
        &self.0
    }
}

/// The last moment that a cursor may name: in the year 9999.
const LAST_MOMENT: i64 = 253_402_214_400_000;

/// Where a row stands, as one value: an index leads straight to what comes after it.
fn place<C: ColumnTrait>(first: C, id: C) -> Expr {
    Expr::tuple([first.into_expr(), id.into_expr()])
}

/// A part of a long list, newest first, begun after a cursor.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// At most so many.
    pub limit: u64,
    after: Option<(Time, Id)>,
}

impl Page {
    /// Reads `limit` (1 to 100, 20 when absent) and a cursor that an earlier page gave.
    ///
    /// # Errors
    /// `bad_cursor` for one that no page gave.
    pub fn new(limit: Option<u64>, cursor: Option<&str>) -> Result<Self> {
        let read = |c: &str| {
            let (time, id) = c.split_once('.')?;
            // A moment that no calendar holds came from no page.
            let time = time.parse().ok().filter(|at| (0..=LAST_MOMENT).contains(at))?;
            Some((Time(time), Id::parse_str(id).ok()?))
        };
        let after = match cursor {
            Some(cursor) => Some(read(cursor).ok_or_else(|| Error::from(BAD_CURSOR.on("cursor")))?),
            None => None,
        };
        Ok(Self { limit: limit.unwrap_or(20).clamp(1, 100), after })
    }

    /// Narrows a query, whose rows are placed by `(time, id)`, to this page and one row more.
    pub fn of<E: EntityTrait>(self, query: sea_orm::Select<E>, time: E::Column, id: E::Column) -> sea_orm::Select<E> {
        use sea_orm::{QueryFilter as _, QueryOrder as _, QuerySelect as _};
        let query = query.order_by_desc(time).order_by_desc(id).limit(self.limit + 1);
        match self.after {
            Some((t, i)) => query.filter(place(time, id).lt(Expr::tuple([t.into(), i.into()]))),
            None => query,
        }
    }

    /// The same for rows that are placed by `(day, id)`, soonest first.
    pub fn of_days<E: EntityTrait>(
        self,
        query: sea_orm::Select<E>,
        day: E::Column,
        id: E::Column,
    ) -> sea_orm::Select<E> {
        use sea_orm::{QueryFilter as _, QueryOrder as _, QuerySelect as _};
        let query = query.order_by_asc(day).order_by_asc(id).limit(self.limit + 1);
        match self.after.map(|(t, i)| (t.date(), i)) {
            Some((d, i)) => query.filter(place(day, id).gt(Expr::tuple([d.into(), i.into()]))),
            None => query,
        }
    }

    /// Takes the extra row off and turns it into the next page's cursor.
    pub fn cut<T>(self, mut rows: Vec<T>, place: impl Fn(&T) -> (Time, Id)) -> (Vec<T>, Option<String>) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| {
            let (time, id) = place(last);
            format!("{}.{id}", time.0)
        });
        (rows, next)
    }
}

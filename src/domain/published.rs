//! What is published (已公布): what centres say of themselves and offer. An operator changes it some times a month, and every
//! request asks for it; so it is read once and kept in memory for an edition. Each change makes a new one, in the transaction
//! that brings it, and requests ask which edition is in force. That answer is good for a moment, for all who come; whoever
//! publishes waits as long after his commit before he says that it is done, so that nobody who hears it is answered by what
//! was before.

use crate::base::{Kind, Refusal, Result};
use entity::Id;
use entity::centre::{Column, Entity, Model, edition, host};
use sea_orm::sea_query::{Expr, ExprTrait as _, SelectStatement};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, QueryOrder as _, QuerySelect as _, QueryTrait as _};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long it is taken for true which edition is in force, from when it was asked.
pub const GOOD_FOR: Duration = Duration::from_millis(5);

/// The request names no centre that is here.
pub const UNKNOWN_CENTRE: Refusal =
    Refusal::new(Kind::Missing, "unknown_centre", "没有找到这个服务中心，请检查网址，或用 centre 参数指明中心代码。");

/// A centre, with what it publishes.
pub struct Centre {
    row: Model,
    /// What was read of this edition; none where everything is read anew.
    kept: Option<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl Centre {
    /// A centre of which nothing is kept: what it publishes is read anew each time.
    #[must_use]
    pub const fn unkept(row: Model) -> Self {
        Self { row, kept: None }
    }

    fn kept(row: Model) -> Self {
        Self { row, kept: Some(Mutex::default()) }
    }

    /// The same centre, of which nothing is kept: for acts that change what it publishes.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::unkept(self.row.clone())
    }

    /// A part of what it publishes, by its type: read once an edition.
    ///
    /// # Errors
    /// Whatever reading it says.
    pub async fn part<T: Send + Sync + 'static>(&self, read: impl AsyncFnOnce(Id) -> Result<T>) -> Result<Arc<T>> {
        let Some(kept) = &self.kept else { return Ok(Arc::new(read(self.id).await?)) };
        let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
        let part = lock().get(&TypeId::of::<T>()).cloned();
        if let Some(part) = part.and_then(|part| part.downcast().ok()) {
            return Ok(part);
        }
        let part = Arc::new(read(self.id).await?);
        lock().insert(TypeId::of::<T>(), part.clone());
        Ok(part)
    }
}

impl Deref for Centre {
    type Target = Model;
    fn deref(&self) -> &Model {
        &self.row
    }
}

impl fmt::Debug for Centre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Centre").field(&self.row.code).finish()
    }
}

/// All centres of the installation, in one edition.
#[derive(Debug)]
pub struct Published {
    /// Which.
    pub edition: i64,
    /// The centres, by code.
    pub centres: Vec<Arc<Centre>>,
    hosts: HashMap<String, Id>,
}

impl Published {
    /// Nothing yet: an edition that is never in force.
    #[must_use]
    pub fn nothing() -> Self {
        Self { edition: i64::MIN, centres: Vec::new(), hosts: HashMap::new() }
    }

    /// Reads the centres. The edition was asked for before, so that nothing read here is older than it.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn read(db: &impl ConnectionTrait, edition: i64) -> Result<Self> {
        let centres = all(db).await?.into_iter().map(|row| Arc::new(Centre::kept(row))).collect();
        let hosts = host::Entity::find().all(db).await?.into_iter().map(|h| (h.host, h.centre_id)).collect();
        Ok(Self { edition, centres, hosts })
    }

    /// The centre a request means: by host name, else by the code it names, else the only one there is.
    ///
    /// # Errors
    /// `unknown_centre`.
    pub fn find(&self, host_name: Option<&str>, code: Option<&str>) -> Result<Arc<Centre>> {
        let by_host = host_name.and_then(|name| self.hosts.get(&name.to_lowercase()));
        let found = match (by_host, code) {
            (Some(id), _) => self.by_id(*id).ok_or(UNKNOWN_CENTRE.into()),
            (None, Some(code)) => {
                let named = self.centres.iter().find(|c| c.code == code);
                named.cloned().ok_or_else(|| UNKNOWN_CENTRE.on("centre"))
            }
            (None, None) => match self.centres.as_slice() {
                [only] => Ok(Arc::clone(only)),
                _ => Err(UNKNOWN_CENTRE.into()),
            },
        };
        Ok(found?)
    }

    /// The centre of an id, if it is here.
    #[must_use]
    pub fn by_id(&self, id: Id) -> Option<Arc<Centre>> {
        self.centres.iter().find(|c| c.id == id).cloned()
    }
}

/// All centres of this installation, by code.
///
/// # Errors
/// Whatever the database says.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Model>> {
    Ok(Entity::find().order_by_asc(Column::Code).all(db).await?)
}

/// Asks which edition is in force; also as a part of another question.
#[must_use]
pub fn asking() -> SelectStatement {
    edition::Entity::find().select_only().column(edition::Column::N).into_query()
}

/// Which edition is in force.
///
/// # Errors
/// Whatever the database says.
pub async fn edition(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let row = edition::Entity::find().one(db).await?;
    row.map(|row| row.n).ok_or_else(|| DbErr::RecordNotFound("the row of the edition".to_owned()))
}

/// Waits after the commit of a new edition, until no program goes by the one before.
pub async fn in_force() {
    tokio::time::sleep(GOOD_FOR).await;
}

/// Makes a new edition, in force when the transaction is committed. Whoever publishes does so one after the other.
///
/// # Errors
/// Whatever the database says.
pub async fn new_edition(db: &impl ConnectionTrait) -> Result<()> {
    let next = Expr::col(edition::Column::N).add(1);
    edition::Entity::update_many().col_expr(edition::Column::N, next).exec(db).await?;
    Ok(())
}

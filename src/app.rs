//! The application's state, and the ways to its data: [`App::read`] for what only reads, and for acts [`App::write`],
//! [`App::at_once`], [`App::publish`], [`App::establish`] and [`App::preview`].

mod files;

use crate::base::asking::Asking;
use crate::base::database::{Database, Work};
use crate::base::error::{Error, Result};
use crate::base::keys::{self, Purpose};
use crate::base::metrics::Metrics;
use crate::base::settings::{Gateway, Links, Settings, WechatSignIn};
use crate::base::vault::Vault;
use crate::base::{Clock, Random};
use crate::domain::published::{self, Centre, Published};
use crate::domain::{Act, CAME_BETWEEN, Publishing, Rules, Who};
use crate::gateway::channels::Channels;
use crate::gateway::files::Files;
use crate::gateway::limits::Limits;
use crate::gateway::outside::Outside;
use crate::gateway::shared::Shared;
use crate::gateway::sms::aliyun::Aliyun;
use crate::gateway::sms::mas::Mas;
use crate::gateway::sms::tencent::Tencent;
use crate::gateway::sms::{Memory, Sms};
use crate::gateway::upload::Platform;
use crate::gateway::wechat::Wechat;
use crate::gateway::wechat::client::Client;
use crate::gateway::wechat::mini::Mini;
use crate::gateway::wechat::official::Official;
use crate::gateway::wechat::push::Push;
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, Semaphore};

/// Everything the floors above share. Clones are the same application.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What an application is made of.
pub struct Parts {
    /// As they were when it started.
    pub settings: Settings,
    /// Reads time.
    pub clock: Clock,
    /// Draws ids and secrets.
    pub random: Random,
    /// Where everything is kept.
    pub database: Database,
    /// Seals personal data.
    pub vault: Arc<Vault>,
    /// Counts tries.
    pub limits: Limits,
    /// Ways for texts to leave, in order of preference.
    pub sms: Vec<Sms>,
    /// Which of them are left alone for now.
    pub channels: Channels,
    /// Vouches for residents who come by the mini program.
    pub wechat: Wechat,
    /// Opens what WeChat pushes, where it does.
    pub push: Option<Push>,
    /// Vouches for whoever opens our pages in WeChat, if there is an official account.
    pub official: Option<Official>,
    /// Where the bytes of files lie.
    pub files: Files,
    /// Where reviews are uploaded.
    pub platform: Platform,
    /// Settings that rules go by.
    pub rules: Arc<Rules>,
    /// Secret part of the console gateway's hook.
    pub hook_secret: SecretString,
    /// Asks which edition of what is published is in force.
    edition: Asking<Result<i64, DbErr>>,
    /// What is published, in the edition that was asked for last.
    published: Mutex<Arc<Published>>,
    /// What this process counts of itself.
    pub metrics: Metrics,
    /// Wakes the deliverers in this process: of codes, and of all else.
    pub nudge: [Notify; 2],
    /// Keyed writes under way in this process, by centre, actor, operation and key.
    pub in_flight: Mutex<HashSet<String>>,
    /// Password hashes made at once: each takes 19 MiB and a core.
    pub hashing: Semaphore,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens database, keys and gateways by settings. The schema is left as it is.
    ///
    /// # Errors
    /// A wrong setting ([`Fault`](crate::base::settings::Fault)), or a part that cannot be reached.
    pub async fn open(settings: Settings, clock: Clock) -> anyhow::Result<Self> {
        keys::check(&settings.security)?;
        let random = Random::system();
        let database = Database::open(&settings.database).await?;
        // New keys beside sealed data would lock the data in for ever.
        let sealed = is_in_use(&database).await;
        let load = |purpose| keys::load(purpose, &settings.security, &random, !sealed);
        let (token, data, index) = (load(Purpose::Token)?, load(Purpose::Data)?, load(Purpose::Index)?);
        let vault = Arc::new(Vault::new(token, data, index, random.clone()));
        let redis = settings.redis.url.expose_secret();
        let prefix = settings.redis.prefix.clone();
        let shared = if redis.is_empty() { None } else { Some(Shared::open(redis, prefix)?) };
        let limits = shared.clone().map_or_else(Limits::memory, Limits::Redis);
        let proxy = settings.outbound.proxy.expose_secret();
        let open = |gateway: &Gateway| {
            Ok::<_, anyhow::Error>(match gateway {
                Gateway::Console => Sms::Console,
                Gateway::Memory => Sms::Memory(Memory::default()),
                Gateway::Tencent => Sms::Tencent(Tencent::open(&settings.sms.tencent, proxy)?),
                Gateway::Aliyun => Sms::Aliyun(Aliyun::open(&settings.sms.aliyun, proxy, random.clone())?),
                Gateway::Mas => Sms::Mas(Mas::open(&settings.sms.mas, proxy)?),
            })
        };
        let gateways = &settings.sms.gateways;
        let sms = gateways.iter().map(open).collect::<Result<Vec<Sms>, _>>()?;
        // Words of our own are for gateways that take them; the others have their own, with what these may carry.
        let speaks = gateways.iter().zip(&sms).find(|(_, sms)| sms.is_free()).map(|(name, _)| name);
        let links = speaks.or(gateways.first()).map_or(Links::PerCase, |gateway| settings.sms.links(*gateway));
        let rules = Rules {
            review_days: settings.review.days,
            public_url: settings.public_url(),
            links,
            quiet: settings.sms.quiet_hours,
        };
        let keys = &settings.wechat;
        let client = |app_id: &str, secret: &SecretString| {
            let outside = Outside::open(&keys.api_base, keys.connect_timeout, keys.timeout, proxy)?;
            Ok::<_, anyhow::Error>(Client::new(outside, app_id, secret, Arc::clone(&vault), shared.clone()))
        };
        let wechat = match keys.sign_in {
            WechatSignIn::None => Wechat::None,
            WechatSignIn::StandIn => Wechat::StandIn,
            WechatSignIn::Mini => {
                let app = client(&keys.mini.app_id, &keys.mini.app_secret)?;
                Wechat::Mini(Box::new(Mini::new(app, keys.mini.state.word())))
            }
        };
        let (token, key) = (keys.mini.push_token.expose_secret(), keys.mini.push_aes_key.expose_secret());
        let push = if token.is_empty() {
            None
        } else {
            let unreadable = || anyhow::anyhow!("wechat.mini.push_aes_key is no key");
            Some(Push::new(token, key, &keys.mini.app_id).ok_or_else(unreadable)?)
        };
        let official = if keys.official.app_id.is_empty() {
            None
        } else {
            let app = client(&keys.official.app_id, &keys.official.app_secret)?;
            Some(Official::new(app, &keys.oauth_base, Arc::clone(&vault), shared.clone()))
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self(Arc::new(Parts {
            sms,
            channels: Channels::default(),
            wechat,
            push,
            official,
            files: Files::of(&settings.files.directory),
            platform: Platform::of(&settings.upload.directory),
            rules: Arc::new(rules),
            hook_secret: keys::hook_secret(&settings.sms.console.hook_secret, &settings.security, &random)?,
            edition: Asking::new(published::GOOD_FOR),
            published: Mutex::new(Arc::new(Published::nothing())),
            metrics: Metrics::default(),
            nudge: [Notify::new(), Notify::new()],
            in_flight: Mutex::default(),
            hashing: Semaphore::new(cores),
            settings,
            clock,
            random,
            database,
            vault,
            limits,
        })))
    }

    /// Secret part of a gateway's hooks: its own, or the console's.
    #[must_use]
    pub fn hook_secret(&self, gateway: &str) -> &SecretString {
        let sms = &self.settings.sms;
        let own = match gateway {
            "tencent" => &sms.tencent.hook_secret,
            "aliyun" => &sms.aliyun.hook_secret,
            "mas" => &sms.mas.hook_secret,
            _ => &self.hook_secret,
        };
        if own.expose_secret().is_empty() { &self.hook_secret } else { own }
    }

    /// The connection for what only reads.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        self.database.reader()
    }

    /// What is published, in the edition in force: one small question for all who ask within a moment, and no more while it
    /// stays the same.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn published(&self) -> Result<Arc<Published>> {
        let db = self.read().clone();
        let edition = self.edition.ask(move || async move { published::edition(&db).await }).await?;
        self.published_in(edition).await
    }

    /// What is published, in an edition that was just asked for.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn published_in(&self, edition: i64) -> Result<Arc<Published>> {
        let lock = || self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = Arc::clone(&lock());
        if kept.edition == edition {
            return Ok(kept);
        }
        let read = Arc::new(Published::read(self.read(), edition).await?);
        *lock() = Arc::clone(&read);
        Ok(read)
    }

    /// Does one act: begins a transaction, commits it if the act succeeds, and wakes the deliverer if it spoke.
    /// Nothing in an act waits for the outside.
    ///
    /// # Errors
    /// Whatever the act says; nothing is changed then.
    pub async fn write<T>(
        &self,
        centre: &Arc<Centre>,
        who: Who,
        act: impl AsyncFnOnce(&Act) -> Result<T>,
    ) -> Result<T> {
        let given = self.begin(Arc::clone(centre), who).await?;
        let result = act(&given).await;
        self.end(given, result).await
    }

    /// Does one act that looks first and then writes by one statement, which needs no transaction around both: half as many
    /// trips to the database, and what many want is held for one statement only. Nothing is done, and nothing told, where
    /// somebody came in between or the database is SQLite, which has one writer: it is to be done as any other act then.
    ///
    /// # Errors
    /// Whatever the act says; nothing is changed then.
    pub async fn at_once<T>(
        &self,
        centre: &Arc<Centre>,
        who: Who,
        act: impl AsyncFnOnce(&Act) -> Result<T>,
    ) -> Result<Option<T>> {
        if self.database.is_sqlite() {
            return Ok(None);
        }
        let given = self.act(Work::Look(self.read().clone()), Arc::clone(centre), who);
        match act(&given).await {
            Err(Error::Refused(refused)) if refused.refusal == CAME_BETWEEN => Ok(None),
            Ok(done) => {
                if given.has_spoken() {
                    self.nudge.iter().for_each(Notify::notify_one);
                }
                Ok(Some(done))
            }
            Err(error) => Err(error),
        }
    }

    /// Does one act that changes what is published: what it reads is read anew, and its commit makes a new edition.
    ///
    /// # Errors
    /// Whatever the act says; nothing is changed then.
    pub async fn publish<T>(
        &self,
        centre: &Centre,
        who: Who,
        act: impl AsyncFnOnce(&Publishing) -> Result<T>,
    ) -> Result<T> {
        let given = Publishing::new(self.begin(Arc::new(centre.anew()), who).await?);
        let result = match published::new_edition(&*given.tx).await {
            Ok(()) => act(&given).await,
            Err(error) => Err(error),
        };
        let done = self.end(given.into_act(), result).await?;
        published::in_force().await;
        Ok(done)
    }

    /// Changes what no act of one centre does: centres themselves, and what all of them go by. It makes a new edition.
    ///
    /// # Errors
    /// Whatever the change says; nothing is changed then.
    pub async fn establish<T>(&self, change: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T>) -> Result<T> {
        let change = async |tx: &_| {
            published::new_edition(tx).await?;
            change(tx).await
        };
        let done = self.whole(change).await?;
        published::in_force().await;
        Ok(done)
    }

    /// Does what is no act, and nobody's, as a whole: in a transaction that is committed if it succeeds.
    ///
    /// # Errors
    /// Whatever it says; nothing is changed then.
    pub async fn whole<T>(&self, work: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T>) -> Result<T> {
        let tx = self.database.begin().await?;
        match work(&tx).await {
            Ok(done) => {
                tx.commit().await?;
                Ok(done)
            }
            Err(error) => {
                tx.rollback().await?;
                Err(error)
            }
        }
    }

    async fn end<T>(&self, given: Act, result: Result<T>) -> Result<T> {
        let (kind, spoke) = (given.who.kind(), given.has_spoken());
        let tx = transaction(given)?;
        match result {
            Ok(value) => {
                tx.commit().await?;
                tracing::debug!(?kind, spoke, "an act was committed");
                if spoke {
                    self.nudge.iter().for_each(Notify::notify_one);
                }
                Ok(value)
            }
            Err(error) => {
                tx.rollback().await?;
                tracing::debug!(?kind, "an act was taken back");
                Err(error)
            }
        }
    }

    /// Does one act and takes it back: what would come of it, exactly.
    ///
    /// # Errors
    /// Whatever the act says.
    pub async fn preview<T>(
        &self,
        centre: &Arc<Centre>,
        who: Who,
        act: impl AsyncFnOnce(&Act) -> Result<T>,
    ) -> Result<T> {
        let given = self.begin(Arc::clone(centre), who).await?;
        let result = act(&given).await;
        transaction(given)?.rollback().await?;
        result
    }

    async fn begin(&self, centre: Arc<Centre>, who: Who) -> Result<Act> {
        let tx = self.database.begin().await?;
        Ok(self.act(Work::Transaction(tx), centre, who))
    }

    fn act(&self, work: Work, centre: Arc<Centre>, who: Who) -> Act {
        let (vault, rules) = (Arc::clone(&self.vault), Arc::clone(&self.rules));
        Act::new(work, self.clock.now(), who, centre, vault, self.random.clone(), rules)
    }
}

/// The transaction of an act that is over.
fn transaction(act: Act) -> Result<DatabaseTransaction> {
    match Arc::try_unwrap(act.tx) {
        Ok(Work::Transaction(tx)) => Ok(tx),
        _ => Err(anyhow::anyhow!("an act kept its transaction").into()),
    }
}

/// True when the database holds a centre, and so data sealed with the keys that were here before.
async fn is_in_use(database: &Database) -> bool {
    // Before the first migration there is no table to ask.
    published::all(database.reader()).await.is_ok_and(|centres| !centres.is_empty())
}

//! Reminding staff of limits (提醒、催办、督办): in the morning of a working day, whoever holds a post of what comes near there, the
//! head of the office too on the last day, and the director when it has passed.

use super::clock::Lamp;
use super::step;
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::centre::Lamps;
use crate::domain::cover::Cover;
use crate::domain::identity::staff;
use crate::domain::notice::{self, Message};
use crate::domain::{calendar, post};
use chrono::NaiveDate;
use entity::case::{CaseState, Column, Entity};
use entity::identity::Role;
use entity::identity::staff::Model as Member;
use entity::{Id, Time};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use std::collections::HashMap;

/// When staff are told what waits for them, in minutes past midnight: before the doors open.
const MORNING: (i32, i32) = (8 * 60, 10 * 60);

/// Something whose last day is near.
struct Task {
    /// The post that has it in hand; each window's, where none took it in.
    post: Option<Id>,
    /// The office whose matter it is, or whose part of a joint one.
    office: Id,
    lamp: Lamp,
}

/// How many of each lamp somebody is told of.
#[derive(Default)]
struct Count {
    near: u32,
    due: u32,
    late: u32,
}

/// Tells staff in the morning of a working day what is near its last day, once a day, where there is something. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn tell_tasks(act: &Act) -> Result<()> {
    let today = act.now.date();
    let (from, until) = (Time::at(today, MORNING.0), Time::at(today, MORNING.1));
    if act.now < from || act.now >= until || !calendar::of(&*act.tx, &act.centre).await?.is_working_day(today) {
        return Ok(());
    }
    let staff = staff::told(act, today).await?;
    let key = |of: &Member| format!("staff.tasks/{}/{today}", of.id);
    let told = notice::said(&*act.tx, act.centre.id, staff.iter().map(|(of, _)| key(of))).await?;
    let staff: Vec<_> = staff.into_iter().filter(|(of, _)| !told.contains(&key(of))).collect();
    if staff.is_empty() {
        return Ok(());
    }
    let (tasks, ladder) = (near(act, today).await?, Ladder::of(act).await?);
    let mut texts = Vec::new();
    for (of, phone) in &staff {
        let mut count = Count::default();
        for task in tasks.iter().filter(|task| ladder.reaches(of, task)) {
            match task.lamp {
                Lamp::Overdue => count.late += 1,
                Lamp::Red => count.due += 1,
                Lamp::Yellow | Lamp::Green => count.near += 1,
            }
        }
        let Count { near, due, late } = count;
        if near + due + late == 0 {
            continue;
        }
        texts.push(Message {
            key: key(of),
            kind: &notice::TASKS,
            phone: phone.clone(),
            values: vec![("near", near.to_string()), ("due", due.to_string()), ("late", late.to_string())],
            about: of.id,
            account: None,
            matter_at: act.now,
            due_at: act.now,
            expires_at: Time::at(today, 12 * 60),
        });
    }
    notice::put(act, notice::compose(act, texts).await?).await
}

/// Who is told of what.
struct Ladder {
    holders: HashMap<Id, Id>,
    windows: Vec<Id>,
    /// Offices that have a head.
    headed: Vec<Id>,
}

impl Ladder {
    async fn of(act: &Act) -> Result<Self> {
        let cover = Cover::at(&*act.tx, &act.centre, act.now).await?;
        let posts = post::all(&*act.tx, &act.centre).await?;
        let today = act.now.date();
        let held = posts.on(today).filter_map(|post| Some((post.row.id, cover.holder(post)?.0)));
        let windows = posts.on(today).filter(|post| post.row.kind == entity::post::PostKind::Window);
        let heads = staff::all(&*act.tx, act.centre.id).await?.into_iter();
        let heads = heads.filter(|of| of.serves(today) && of.roles().contains(&Role::OfficeHead));
        Ok(Self {
            holders: held.collect(),
            windows: windows.map(|post| post.row.id).collect(),
            headed: heads.filter_map(|of| of.office_id).collect(),
        })
    }

    /// True when somebody is told of a task: its holder; on its last day the head of the office, or the director where an office
    /// has none; when it has passed, the director.
    fn reaches(&self, of: &Member, task: &Task) -> bool {
        let holds = |post: &Id| self.holders.get(post) == Some(&of.id);
        let holder = match task.post {
            Some(post) => holds(&post),
            None => self.windows.iter().any(holds),
        };
        let (roles, pressing) = (of.roles(), matches!(task.lamp, Lamp::Red | Lamp::Overdue));
        let head = pressing && roles.contains(&Role::OfficeHead) && of.office_id == Some(task.office);
        let unheaded = pressing && !self.headed.contains(&task.office);
        let director = roles.contains(&Role::Director) && (task.lamp == Lamp::Overdue || unheaded);
        holder || head || director
    }
}

/// What is near its last day: steps under way, and cases that wait to be accepted.
async fn near(act: &Act, today: NaiveDate) -> Result<Vec<Task>> {
    let (lamps, calendar) = (Lamps::of(&act.centre), calendar::of(&*act.tx, &act.centre).await?);
    let until = lamps.days(&calendar, Lamp::Green, today).0.unwrap_or(today).pred_opt().unwrap_or(today);
    let lamp = |due: NaiveDate| lamps.at(&calendar, due, today);
    let waiting: Vec<(Option<Id>, Id, NaiveDate)> = Entity::find()
        .select_only()
        .columns([Column::WindowId, Column::OfficeId, Column::DueOn])
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::State.eq(CaseState::Received))
        .filter(Column::DueOn.lte(until))
        .into_tuple()
        .all(&*act.tx)
        .await?;
    let mut tasks: Vec<Task> =
        waiting.into_iter().map(|(post, office, due)| Task { post, office, lamp: lamp(due) }).collect();
    let steps = step::under_way(&*act.tx, act.centre.id, until).await?;
    let offices: Vec<(Id, Id)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::OfficeId])
        .filter(Column::Id.is_in(steps.iter().map(|step| step.case_id)))
        .into_tuple()
        .all(&*act.tx)
        .await?;
    let offices: HashMap<Id, Id> = offices.into_iter().collect();
    let posts = post::all(&*act.tx, &act.centre).await?;
    let task = |step: entity::case::step::Model| {
        let of_part = step.post_id.and_then(|id| posts.of(id)).and_then(|post| post.row.office_id);
        let office = of_part.or_else(|| offices.get(&step.case_id).copied())?;
        Some(Task { post: step.post_id, office, lamp: lamp(step.due_on?) })
    };
    tasks.extend(steps.into_iter().filter_map(task));
    Ok(tasks)
}

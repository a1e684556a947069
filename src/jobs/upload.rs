//! Uploading reviews: a batch is begun and committed before it goes, and goes again until it is heard of.

use crate::app::App;
use crate::base::error::Result;
use crate::domain::Who;
use crate::domain::published::Centre;
use crate::domain::review::{self, Taken};
use crate::gateway::upload::Answer;
use std::sync::Arc;

/// Batches that go in one run.
const AT_ONCE: usize = 20;

/// Uploads what waits in each centre.
pub(super) async fn reviews(app: &App, name: &'static str) -> Result<()> {
    if !app.platform.is_there() {
        return Ok(());
    }
    let mut first = Ok(());
    for centre in &app.published().await?.centres {
        // One centre's trouble is not the next one's.
        first = first.and(of_centre(app, centre, name).await);
    }
    first
}

async fn of_centre(app: &App, centre: &Arc<Centre>, name: &'static str) -> Result<()> {
    for _ in 0..AT_ONCE {
        let next = async |act: &_| review::next_batch(act, &app.settings.upload).await;
        let Some(batch) = app.write(centre, Who::System(name), next).await? else { break };
        let answers = app.platform.upload(&batch.name, &batch.records).await?;
        let taken: Vec<Taken> = answers
            .into_iter()
            .map(|answer| match answer {
                Answer::Taken | Answer::Duplicate => Taken::There,
                Answer::Refused(reason) => Taken::Refused(reason),
            })
            .collect();
        app.write(centre, Who::System(name), async |act| review::settle_batch(act, &batch, &taken).await).await?;
        tracing::info!(batch = batch.name, reviews = batch.reviews.len(), "reviews were uploaded");
    }
    Ok(())
}

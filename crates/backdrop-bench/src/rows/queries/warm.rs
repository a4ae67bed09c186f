//! Having the query service load what the questions need.

use crate::engines::Metrics;
use crate::load::Connection;
use crate::questions::Question;
use crate::stage::{BIG, Stage, get};
use anyhow::ensure;
use std::time::{Duration, Instant};

/// How long the service may take to have everything in memory.
const WARM_WITHIN: Duration = Duration::from_secs(120);
/// How long to wait before it is asked again.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Asks each question until it is answered from memory; a service that does not say from where it answers is asked a
/// few times. The latest records are always answered by SQL.
pub(in super::super) fn warm_up(stage: &mut Stage) -> anyhow::Result<()> {
    let mut reader = stage.reader()?;
    for question in Question::ALL {
        let began = Instant::now();
        for attempt in 0.. {
            let variant = stage.variants(1).start;
            let by_frame = stage.block_on(is_by_frame(&mut reader, question, variant))?;
            let is_enough = by_frame.unwrap_or(attempt >= 2) || question == Question::Q5;
            if is_enough || began.elapsed() > WARM_WITHIN {
                if !is_enough {
                    eprintln!("  {} is not answered from memory", question.title());
                }
                break;
            }
            std::thread::sleep(ASK_EVERY);
        }
    }
    Ok(())
}

/// Asks once; whether a frame answered, if that is told.
async fn is_by_frame(
    reader: &mut Connection,
    question: Question,
    variant: u64,
) -> anyhow::Result<Option<bool>> {
    let frames = |metrics: &Metrics| metrics.engines().get("frame").copied();
    let before = frames(&Metrics::read_over(reader).await?);
    let answer = reader.ask(&get(&question.path(BIG, variant), "")).await?;
    ensure!(answer.status == 200, "{}: {} {}", question.title(), answer.status, answer.text());
    let after = frames(&Metrics::read_over(reader).await?);
    Ok(after.map(|after| after > before.unwrap_or_default()))
}

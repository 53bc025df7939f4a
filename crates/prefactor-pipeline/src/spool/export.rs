//! What waits in a spool, in words that people and programs can read.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use prefactor_pfid::Partition;

use super::record::{self, Decoded, Ids};
use crate::clock::{Rfc3339, Timestamp};
use crate::instance::Run;
use crate::log::LogLevel;
use crate::observer::Hooks;
use crate::operation::{Operation, Ticket};
use crate::payload::Encoder;
use crate::pipeline::{Pipeline, PipelineConfig};
use crate::testing::Interrupt;
use crate::wire;

/// Writes a line of JSON for each operation that waits: `{"sequence":…,"at":"…","has_id":…,"item":{…}}`, where the item is what
/// would be sent. As long as the run has no id, since no API has told the account's partition, ids have an empty one.
/// Changes nothing, and may be called while a pipeline uses the spool. Gives the number of lines.
///
/// # Errors
/// What the system says of the directory or of `out`.
pub fn export(directory: &Path, mut out: impl Write) -> io::Result<u64> {
    let pipeline = nowhere();
    let mut ids: Option<Ids> = None;
    let mut count = 0;
    let mut written = Ok(());
    prefactor_spool::for_each(directory, |notes, record| {
        let ids =
            ids.get_or_insert_with(|| notes.iter().filter_map(|note| record::decode_id(note)).collect());
        if let Some(decoded) = record::decode(&record.body) {
            written = out.write_all(&line(&pipeline, ids, decoded, record.sequence, record.at));
            count += 1;
        }
        written.is_ok()
    })?;
    written?;
    out.flush()?;
    Ok(count)
}

fn line(pipeline: &Arc<Pipeline>, ids: &Ids, decoded: Decoded, sequence: u64, at: u64) -> Vec<u8> {
    let id = decoded.instance(ids);
    let has_id = id.is_some();
    let id = id.or_else(|| Some(decoded.run.with_partition(Partition::new(0).ok()?)));
    let run = Run::revive(Arc::clone(pipeline), decoded.run, id, true);
    if let Some((span, id)) = decoded.referred(ids) {
        run.span_created_as(span, id);
    }
    let epoch = run.account().accept(0);
    let operation = Operation::new(Ticket::new(run, epoch, 0), decoded.action);
    let body = wire::body(&[operation]);
    let item =
        body.strip_prefix(b"{\"items\":[").and_then(|items| items.strip_suffix(b"]}")).unwrap_or_default();
    let mut line = format!("{{\"sequence\":{sequence},\"at\":\"").into_bytes();
    line.extend_from_slice(Rfc3339::new().write(Timestamp::from_micros(at.saturating_mul(1_000))));
    line.extend_from_slice(format!("\",\"has_id\":{has_id},\"item\":").as_bytes());
    line.extend_from_slice(item);
    line.extend_from_slice(b"}\n");
    line
}

/// A pipeline without actors, since items are written for a run of one.
fn nowhere() -> Arc<Pipeline> {
    Pipeline::new(PipelineConfig {
        encoder: Encoder::default(),
        level: LogLevel::Off,
        budget_of_operations: 0,
        partition: None,
        hooks: Hooks::default(),
        interrupt: Interrupt::default(),
        spool: None,
    })
}

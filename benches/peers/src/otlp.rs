//! Counts the spans in an OTLP request, without reading them.

const RESOURCE_SPANS: u64 = 1;
const SCOPE_SPANS: u64 = 2;
const SPANS: u64 = 2;
const LENGTH_DELIMITED: u64 = 2;

/// Spans in an `ExportTraceServiceRequest`; what is no protobuf counts as nothing.
pub fn count_spans(request: &[u8]) -> u64 {
    let mut spans = 0;
    for_each(request, RESOURCE_SPANS, &mut |resource| {
        for_each(resource, SCOPE_SPANS, &mut |scope| for_each(scope, SPANS, &mut |_| spans += 1));
    });
    spans
}

/// Calls `found` with each embedded message of this number. Messages on the way to spans have no fields of another type.
fn for_each(mut message: &[u8], number: u64, found: &mut dyn FnMut(&[u8])) {
    while let Some(tag) = varint(&mut message)
        && tag & 7 == LENGTH_DELIMITED
        && let Some(length) = varint(&mut message)
        && let Some((field, rest)) = message.split_at_checked(length as usize)
    {
        if tag >> 3 == number {
            found(field);
        }
        message = rest;
    }
}

fn varint(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

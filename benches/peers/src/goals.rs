//! What is to be reached: ratios of what one run has measured.

use crate::plan::{self, BURSTS, Extent, Measured, SHORT_BURST};

/// One line of the result.
#[derive(serde::Serialize)]
pub struct Ratio {
    pub name: String,
    pub value: f64,
    /// `<=0.5`, for example; nothing where the ratio is only told.
    pub goal: Option<String>,
    pub holds: Option<bool>,
}

/// A figure of a measurement.
type Figure = (String, &'static str);

/// All ratios whose parts were measured.
pub fn ratios(extent: &Extent, measured: &Measured) -> Vec<Ratio> {
    let Extent {
        caller_spans,
        end_to_end_spans,
        long_spans,
        tight_loop_spans,
        queued_spans,
        idle_seconds,
        ..
    } = *extent;
    let caller = |who: &str, threads: u8, burst: u64| -> Figure {
        (plan::caller(who, threads, burst, caller_spans), "ns_per_span")
    };
    let end_to_end = |who: &str, instances: u32, spans: u64, figure| -> Figure {
        (format!("end-to-end {who} {instances} {spans}"), figure)
    };
    let speed = |who: &str| end_to_end(who, 8, end_to_end_spans, "spans_per_s");
    let cpu = |who: &str| end_to_end(who, 8, end_to_end_spans, "cpu_ns_per_span");
    let memory = |who: &str, figure| -> Figure { (format!("memory-per-span {who} {queued_spans}"), figure) };
    let lost =
        |loop_: &str, who: &str| -> Figure { (format!("{loop_} {who} {tight_loop_spans}"), "lost_share") };

    let mut all = Vec::new();
    let mut add = |name: &str, value: Option<f64>, goal: Option<(&str, f64)>| {
        let Some(value) = value else { return };
        let holds =
            goal.map(|(operator, bound)| if operator == "<=" { value <= bound } else { value >= bound });
        all.push(Ratio {
            name: name.to_owned(),
            value,
            goal: goal.map(|(operator, bound)| format!("{operator}{bound}")),
            holds,
        });
    };
    let most = |bound| Some(("<=", bound));
    let least = |bound| Some((">=", bound));
    let of = |a: Figure, b: Figure| ratio(measured, &a, &b);
    let one = |figure: Figure| single(measured, &figure);

    let in_bursts = |burst: u64, (a, threads_a): (&str, u8), (b, threads_b): (&str, u8)| -> Vec<f64> {
        of_each_round(measured, &caller(a, threads_a, burst), &caller(b, threads_b, burst))
    };
    let in_all_bursts = |a, b| {
        let medians: Option<Vec<f64>> =
            BURSTS.into_iter().map(|burst| median(in_bursts(burst, a, b))).collect();
        Some(geometric_mean(&medians?))
    };
    for threads in [1, 2] {
        let (ours, otel) = (("ours", threads), ("opentelemetry", threads));
        add(&format!("caller_vs_otel_{threads}t"), in_all_bursts(ours, otel), most(0.5));
        for burst in BURSTS {
            let name = format!("caller_vs_otel_{threads}t_bursts_of_{burst}");
            add(&name, median(in_bursts(burst, ours, otel)), None);
        }
    }
    for threads in [1, 2] {
        let of = |who| median(in_bursts(SHORT_BURST, ("ours", threads), (who, threads)));
        add(&format!("caller_vs_fastrace_{threads}t"), of("fastrace"), most(0.9));
        add(&format!("caller_vs_fastrace_children_{threads}t"), of("fastrace-children"), None);
    }
    add("caller_scaling_2t", in_all_bursts(("ours", 2), ("ours", 1)), most(1.3));
    add("dropped_tight_loop", one(lost("tight-loop-with-room", "ours")), most(0.0));
    add("dropped_tight_loop_otel", one(lost("tight-loop-with-room", "opentelemetry")), None);
    add("dropped_tight_loop_default_budget", one(lost("tight-loop", "ours")), None);
    add("dropped_tight_loop_otel_default_queue", one(lost("tight-loop", "opentelemetry")), None);
    add("e2e_vs_otel", of(speed("ours"), speed("opentelemetry")), least(3.0));
    add("e2e_vs_ceiling", of(speed("ours"), speed("ceiling")), least(0.8));
    add("cpu_vs_otel", of(cpu("ours"), cpu("opentelemetry")), most(0.25));
    add("memory_per_span", one(memory("ours", "bytes_per_span_beyond_content")), most(200.0));
    let total = "bytes_per_span";
    add("memory_vs_otel", of(memory("ours", total), memory("opentelemetry", total)), most(0.5));
    let instance = ("memory-per-instance ours 10000".to_owned(), "bytes_per_instance");
    add("memory_per_instance", one(instance), most(4_096.0));
    let many = |who: &str| end_to_end(who, 10_000, end_to_end_spans, "spans_per_s");
    add("many_instances", of(many("ours"), speed("ours")), least(0.8));
    let on_mimalloc = "ours-on-mimalloc";
    add("many_instances_on_mimalloc", of(many(on_mimalloc), speed(on_mimalloc)), None);
    add("many_instances_mimalloc_vs_system", of(many(on_mimalloc), many("ours")), None);
    let long = end_to_end("ours", 8, long_spans, "cpu_ns_per_span");
    let short = end_to_end("ours", 8, 50_000, "cpu_ns_per_span");
    add("growth", one(long).zip(one(short)).map(|(long, short)| long / short), most(1.1));
    add("idle_cpu", one((format!("idle ours 1000 {idle_seconds}"), "cpu_share")), most(0.001));
    all
}

/// The median of the ratios of each round: what slows a round down slows both of its parts.
fn ratio(measured: &Measured, a: &Figure, b: &Figure) -> Option<f64> {
    median(of_each_round(measured, a, b))
}

fn of_each_round(measured: &Measured, a: &Figure, b: &Figure) -> Vec<f64> {
    values(measured, a).into_iter().zip(values(measured, b)).map(|(a, b)| a / b).collect()
}

/// No length of bursts counts for more than another.
fn geometric_mean(ratios: &[f64]) -> f64 {
    ratios.iter().product::<f64>().powf(1.0 / ratios.len() as f64)
}

/// The median over all rounds.
fn single(measured: &Measured, figure: &Figure) -> Option<f64> {
    median(values(measured, figure))
}

fn values(measured: &Measured, (measurement, figure): &Figure) -> Vec<f64> {
    let rounds = measured.get(measurement).into_iter().flatten();
    rounds.filter_map(|figures| figures.get(*figure).copied()).collect()
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

//! The JSON object of a run (`run --format json`). Its field names are
//! an interface: scripts read them. Times are in ns from the run's
//! start; `null` stands where a thing never happened.

use serde::Serialize;
use sim_core::analysis::{Incident, Metrics, Report, Stalls, Victim, WaitLink};
use sim_core::base::TaskId;
use sim_core::record::{MODEL_VERSION, Run};

use crate::waits::JsonWaits;

#[derive(Serialize)]
pub(crate) struct JsonRun {
    scenario: String,
    kernel: String,
    policy: String,
    seed: u64,
    model: u32,
    digest: String,
    /// To run it again; `null` where a link can't say all of it.
    link: Option<String>,
    verdict: &'static str,
    flags: Vec<&'static str>,
    end_ns: u64,
    victims: Vec<JsonVictim>,
    metrics: JsonMetrics,
    incidents: Vec<JsonIncident>,
    #[serde(flatten)]
    waits: JsonWaits,
}

#[derive(Serialize)]
struct JsonVictim {
    task: String,
    pid: u32,
    killed_ns: u64,
    skip_ns: Option<u64>,
    freed_pages: u64,
    attempts: u32,
}

#[derive(Serialize)]
pub(crate) struct JsonMetrics {
    pub(crate) reap_attempts: u64,
    pub(crate) backoffs: u64,
    pub(crate) refusals: u64,
    pub(crate) gave_up: u64,
    pub(crate) reaped_pages: u64,
    pub(crate) callbacks: u64,
    pub(crate) callback_blocked_ns: u64,
    pub(crate) callback_blocked_max_ns: u64,
    pub(crate) oom_to_recovery_ns: Option<u64>,
    pub(crate) alloc_stall_ns: JsonStalls,
    pub(crate) psi_some_ns: u64,
    pub(crate) psi_full_ns: u64,
    pub(crate) stale_accesses: u64,
    pub(crate) lockdep_reports: u64,
    pub(crate) non_block_reports: u64,
    pub(crate) hung_tasks: u64,
    pub(crate) events: u64,
}

#[derive(Serialize)]
pub(crate) struct JsonStalls {
    pub(crate) count: u64,
    pub(crate) p50: Option<u64>,
    pub(crate) p99: Option<u64>,
    pub(crate) max: Option<u64>,
}

#[derive(Serialize)]
struct JsonIncident {
    t_ns: u64,
    kind: &'static str,
    task: String,
    text: String,
    chain: Vec<JsonLink>,
}

#[derive(Serialize)]
struct JsonLink {
    task: String,
    waits_on: String,
    kind: &'static str,
    since_ns: u64,
}

/// The object of a run and its report.
pub(crate) fn of(run: &Run, report: &Report, link: Option<String>, waits: JsonWaits) -> JsonRun {
    JsonRun {
        scenario: run.id.scenario.clone(),
        kernel: run.id.kernel.clone(),
        policy: run.id.policy.clone(),
        seed: run.id.seed,
        model: MODEL_VERSION,
        digest: run.digest.to_string(),
        link,
        verdict: report.verdict.id(),
        flags: report.flags.clone(),
        end_ns: run.end.0,
        victims: report.victims.iter().map(|victim| json_victim(run, victim)).collect(),
        metrics: self::metrics(&report.metrics),
        incidents: report.incidents.iter().map(|incident| json_incident(run, incident)).collect(),
        waits,
    }
}

/// A task's name in the scenario.
pub(crate) fn task_name(run: &Run, task: TaskId) -> String {
    run.cast.tasks.get(task).map_or_else(|| format!("task {}", task.0), |info| info.name.clone())
}

fn json_victim(run: &Run, victim: &Victim) -> JsonVictim {
    JsonVictim {
        task: task_name(run, victim.task),
        pid: run.cast.tasks.get(victim.task).map_or(0, |info| info.pid),
        killed_ns: victim.killed.0,
        skip_ns: victim.skip.map(|at| at.0),
        freed_pages: victim.freed_pages,
        attempts: victim.attempts,
    }
}

/// The numbers of a run.
pub(crate) fn metrics(metrics: &Metrics) -> JsonMetrics {
    let Stalls { count, p50, p99, max } = metrics.alloc_stall;
    JsonMetrics {
        reap_attempts: metrics.reap_attempts,
        backoffs: metrics.backoffs,
        refusals: metrics.refusals,
        gave_up: metrics.gave_up,
        reaped_pages: metrics.reaped_pages,
        callbacks: metrics.callbacks,
        callback_blocked_ns: metrics.callback_blocked_ns,
        callback_blocked_max_ns: metrics.callback_blocked_max_ns,
        oom_to_recovery_ns: metrics.oom_to_recovery_ns,
        alloc_stall_ns: JsonStalls { count, p50, p99, max },
        psi_some_ns: metrics.psi_some_ns,
        psi_full_ns: metrics.psi_full_ns,
        stale_accesses: metrics.stale_accesses,
        lockdep_reports: metrics.lockdep_reports,
        non_block_reports: metrics.non_block_reports,
        hung_tasks: metrics.hung_tasks,
        events: metrics.events,
    }
}

fn json_incident(run: &Run, incident: &Incident) -> JsonIncident {
    let link = |link: &WaitLink| JsonLink {
        task: task_name(run, link.task),
        waits_on: link.waits_on.clone(),
        kind: link.kind,
        since_ns: link.since.0,
    };
    JsonIncident {
        t_ns: incident.at.0,
        kind: incident.kind,
        task: task_name(run, incident.task),
        text: incident.text.clone(),
        chain: incident.chain.iter().map(link).collect(),
    }
}

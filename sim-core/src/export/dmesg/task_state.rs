//! `sched_show_task()` (kernel/sched/core.c, Linux 6.1): a task's state
//! and where it waits. `ppid` and flags are not modeled: they are 0 and
//! those of a recorded victim.

use std::fmt::{self, Write as _};

use super::Log;
use crate::base::{SimTime, TaskId};
use crate::export::lines::{comm, pid};
use crate::export::state::State;
use crate::record::Reason;

impl Log {
    pub(super) fn write_task_state(
        &mut self,
        state: &State<'_>,
        at: SimTime,
        task: TaskId,
    ) -> fmt::Result {
        let wait = state.wait(task);
        let letter = match wait.map(|wait| wait.why) {
            None => 'R',
            Some(Some(Reason::Pause | Reason::Pace | Reason::Forever | Reason::Start)) => 'S',
            Some(Some(Reason::BackOff | Reason::SkipSleep)) => 'I',
            Some(_) => 'D',
        };
        let (pid, comm) = (pid(state, task), comm(state, task));
        self.stamp(at)?;
        writeln!(
            self.out,
            "task:{comm:<15.15} state:{letter} stack:0     pid:{pid:<5} ppid:0      flags:0x00104006"
        )?;
        self.stamp(at)?;
        self.out.push_str("Call Trace:\n");
        self.stamp(at)?;
        self.out.push_str(" <TASK>\n");
        for function in wait.map(|wait| state.cast.functions(wait.stack)).unwrap_or_default() {
            self.stamp(at)?;
            writeln!(self.out, " {}", function.text())?;
        }
        self.stamp(at)?;
        self.out.push_str(" </TASK>\n");
        Ok(())
    }
}

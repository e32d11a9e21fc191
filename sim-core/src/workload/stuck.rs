//! `stuck`: sits in a driver and does not come out when it should.
//!
//! As the test module of the recordings does it: the thread waits until
//! SIGKILL is pending and then sleeps uninterruptibly, without locks,
//! which keeps the mm in use.

use super::{Flow, Operation};
use crate::base::Nanos;
use crate::engine::Signals;
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, msleep};
use crate::record::{Func, Reason};

/// See the file's documentation.
pub struct Stuck {
    /// How long it stays after SIGKILL.
    pub time: Nanos,
}

impl Operation for Stuck {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let _in = cx.enter(Func::DeviceIoctl);
            let forever = cx.with(|state| state.forever);
            cx.wait(forever, Reason::Forever, Signals::Killable).await;
            msleep(cx, self.time, Reason::Stuck).await;
            Flow::Next
        })
    }
}

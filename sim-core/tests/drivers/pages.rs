//! What devices hold of whose memory.

use crate::world::{
    REGION, alone, attempts, calls, count, nonblocking, reaped, run, run_with, scenario, victim,
    zapped,
};
use sim_core::record::{Event, Run};
use sim_core::scenario::checked::Mapped;

const PIN_FIRST: &str = "{ register = 'dev', region = 'buffer' }, { touch = 'heap' },";
const PIN_LAST: &str = "{ touch = ['heap', 'buffer'] }, { register = 'dev', region = 'buffer' },";

fn pages(run: &Run, of: impl Fn(Event) -> Option<u32>) -> u64 {
    run.trace.iter().filter_map(|record| of(record.event)).map(u64::from).sum()
}

#[test]
fn pinned_pages_are_reaped_and_not_freed_until_the_device_is_closed() {
    for program in [PIN_FIRST, PIN_LAST] {
        let run = run(&scenario(&victim("5.6", "driver = 'pinned'", program, "4s")), None);
        assert_eq!(nonblocking(&run), (0, 0), "nobody to call");
        assert_eq!((attempts(&run), reaped(&run, "buffer")), (1, REGION));
        assert_eq!(zapped(&run, "buffer"), (REGION, 0));
        assert_eq!(zapped(&run, "heap"), (REGION, REGION));
        let still = |event| match event {
            Event::StillPinned { pages, .. } => Some(pages),
            _ => None,
        };
        let unpinned = |event| match event {
            Event::Unpinned { pages, .. } => Some(pages),
            _ => None,
        };
        assert_eq!((pages(&run, still), pages(&run, unpinned)), (REGION, REGION));
        let at = |is: &dyn Fn(Event) -> bool| {
            run.trace.iter().find(|record| is(record.event)).expect("it happens").at
        };
        let closed = at(&|event| matches!(event, Event::Unpinned { .. }));
        let reaped = at(&|event| matches!(event, Event::Reaped { .. }));
        assert!(closed.0 - reaped.0 > 3_000_000_000, "only the exit closes the device");
    }
}

#[test]
fn pinned_device_does_not_make_the_reaper_back_off() {
    for kernel in ["4.19", "5.6", "6.1"] {
        let run = run(&scenario(&victim(kernel, "driver = 'pinned'", PIN_FIRST, "4s")), None);
        assert_eq!(attempts(&run), 1, "{kernel}");
    }
}

#[test]
fn references_keep_what_a_job_mapped() {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
        { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },";
    let text = victim("5.6", "driver = 'always-refuse'\napi = 'hlist'", program, "1ms");
    for refs in [false, true] {
        let run = run_with(&text, |device| device.page_refs = Some(refs));
        let kept = if refs { REGION } else { 0 };
        assert_eq!(zapped(&run, "buffer"), (REGION, REGION - kept));
        let unpinned = |event| match event {
            Event::Unpinned { pages, .. } => Some(pages),
            _ => None,
        };
        assert_eq!(pages(&run, unpinned), kept);
        assert_eq!(count(&run, |record| matches!(record.event, Event::StaleAccess { .. })), 0);
    }
}

#[test]
fn submitting_faults_the_memory_in() {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = 'heap' }, \
        { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },";
    let run = run(&scenario(&victim("5.6", "driver = 'spin'", program, "1ms")), None);
    let faulted = pages(&run, |event| match event {
        Event::Fault { range, pages } if run.cast.ranges[range].name == "buffer" => Some(pages),
        _ => None,
    });
    assert_eq!(faulted, REGION);
    assert_eq!(count(&run, |record| matches!(record.event, Event::JobSubmitted { .. })), 1);
}

/// hfi1 pins its receive buffers when they are registered; a GPU those of a job when it is submitted.
#[test]
fn pages_are_mapped_when_the_driver_maps_them() {
    for (mapped, holds) in [("", 0), ("mapped = 'at-register'", REGION)] {
        let device = format!("driver = 'gpu-fence'\napi = 'hlist'\npage_refs = true\n{mapped}");
        let program = "{ touch = ['heap', 'buffer'] }, { register = 'dev', region = 'buffer' },";
        let text = victim("4.6", &device, program, "4s");
        // Nobody is told, and no job was ever submitted.
        let run = run(&scenario(&text), Some("ignore"));
        let pinned = pages(&run, |event| match event {
            Event::StillPinned { pages, .. } => Some(pages),
            _ => None,
        });
        assert_eq!(pinned, holds, "{mapped}");
    }
    let hfi1 = scenario(&victim("6.12", "driver = 'hfi1-tid-6.12'", "", "1ms"));
    assert_eq!(hfi1.devices[0].mapped, Mapped::AtRegister);
}

/// mshv's hypercall fails now and then: asked whether it may sleep or not, nobody takes a no there,
/// and the guest keeps pages that are freed.
#[test]
fn hypercall_that_fails_leaves_the_guest_with_freed_pages() {
    let program = "{ touch = ['heap', 'buffer'] }, { register = 'dev', region = 'buffer' },
        { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },
        { repeat = 60, program = [{ madvise = 'buffer' }, { touch = 'buffer' },
            { submit = 'dev', region = 'buffer', every = '1ms', count = 1 }] },";
    for (driver, loses) in [("mshv-7.1", false), ("mshv-failing-7.1", true)] {
        let text = alone(&victim("7.1", &format!("driver = '{driver}'"), program, "1ms"));
        let run = run(&scenario(&text), None);
        let refused = calls(&run).iter().filter(|call| call.blockable && call.refused).count();
        let stale = count(&run, |record| matches!(record.event, Event::StaleAccess { .. }));
        let warned = sim_core::export::dmesg(&run).contains("WARNING: CPU");
        assert_eq!((refused > 0, warned), (loses, loses), "{driver}: {refused}");
        assert!(refused < 30 && (loses || stale == 0), "{driver}: {refused}, {stale}");
        assert_eq!(run.findings.broken, None, "{driver}");
    }
}

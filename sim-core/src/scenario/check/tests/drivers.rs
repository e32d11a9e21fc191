//! Drivers that a scenario describes or names: what becomes of them, and what is wrong with them.

use super::*;
use crate::driver::plan::Step;
use crate::record::Gfp;
use crate::scenario::checked::Behaviour;

#[test]
fn gfp_flags_of_drivers_are_known() {
    let gfp = |flags: &str| {
        let steps = format!("name = 'mine'\nstart = [{{ alloc = '{flags}' }}]");
        let scenario = parse("t", &driver(&steps, "driver = 'mine'"), &[]).expect("they are flags");
        let Behaviour::Steps(plan) = &scenario.devices[0].behaviour else { panic!("it has steps") };
        let [Step::Alloc(alloc)] = plan.start[..] else { panic!("it allocates") };
        alloc.request.gfp
    };
    assert_eq!(gfp("GFP_USER | __GFP_ZERO|__GFP_COMP"), Gfp::KERNEL.with(Gfp::ZERO));
    assert_eq!(
        gfp("GFP_KERNEL_ACCOUNT|__GFP_NOWARN"),
        Gfp::KERNEL.with(Gfp::ACCOUNT).with(Gfp::NOWARN)
    );
    assert!(!gfp("GFP_TRANSHUGE").has(Gfp::KSWAPD_RECLAIM));
    assert!(!gfp("GFP_TRANSHUGE_LIGHT").has(Gfp::DIRECT_RECLAIM));
}

/// A file with a driver of its own.
fn driver(text: &str, device: &str) -> String {
    format!(
        "schema = 1\ntitle = \"t\"\nkernel = \"6.1\"\n[[lock]]\nname = \"m\"\nkind = \"mutex\"\n\
         [[driver]]\n{text}\n[[device]]\nname = \"d\"\n{device}\n[[task]]\nname = \"t\"\n"
    )
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the expected errors")]
fn what_is_wrong_with_a_driver_is_said_where_it_is() {
    let mine = "driver = 'mine'";
    let rows = [
        ("name = 'spin'", "driver = 'spin'"),
        ("name = 'mine'\nlike = 'i915'", mine),
        ("name = 'mine'\nlike = 'spin'\nstart = []", mine),
        ("name = 'mine'\nlike = 'spin'\napi = 'none'", mine),
        ("name = 'mine'\nstart = [{ wrok = '1ms' }]", mine),
        ("name = 'mine'\nstart = [{ work = '1ms', sleep = '1ms' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'n' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'm', mode = 'read' }, { unlock = 'm' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'own' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'm' }, { lock = 'm' }, { unlock = 'm' }]", mine),
        ("name = 'mine'\nstart = [{ unlock = 'own' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'own' }]\nend = [{ unlock = 'own' }]", mine),
        ("name = 'mine'\napi = 'hlist'\nend = [{ sleep = '1ms' }]", mine),
        ("name = 'mine'\nstart = [{ invalidation = 'begin' }]", mine),
        ("name = 'mine'\napi = 'interval'\nrange_test = false", mine),
        ("name = 'mine'\napi = 'none'\nstart = []", mine),
        ("name = 'mine'\napi = 'secondary-tlb'\nstart = [{ sleep = '1ms' }]", mine),
        ("name = 'mine'\nmap = [{ lock = 'own' }]", mine),
        ("name = 'mine'\nregister = [{ lock = 'm', how = 'trylock' }, { unlock = 'm' }]", mine),
        ("name = 'mine'\nstart = [{ flush = true }]", mine),
        ("name = 'mine'\ngfp = 'GFP_KERNEL'\nstart = []", mine),
        ("name = 'mine'\nstart = []", "driver = 'mine'\nwork = '1ms'"),
        ("name = 'mine'\nstart = []", "driver = 'mien'"),
        ("name = 'mine'\nlike = 'pinned'\nacts_on = 'unmap'", mine),
        ("name = 'mine'\nlike = 'spin'", "driver = 'mine'\ngfp = 'GFP_KERNEL'"),
        ("name = 'mine'", "driver = 'secondary-tlb'\ngfp = 'GFP_ATOMIC'\nacts_on = 'unmap'"),
        ("name = 'mine'\napi = 'secondary-tlb'\nacts_on = 'unmap'", mine),
        ("name = 'mine'\nlike = 'kvm'\ngfp = 'GFP_NOFS'", mine),
        ("name = 'mine'\napi = 'none'", "driver = 'mine'\nacts_on = 'unmap'"),
        (
            "name = 'mine'\napi = 'hlist'\nend = [{ work = '0s' }]",
            "driver = 'mine'\napi = 'interval'",
        ),
        ("name = 'mine'", "driver = 'mine'\nworker = { lock = ['own', 'own'] }"),
        ("name = 'mine'\napi = 'hlist'\nend = [{ lock = 'm' }, { unlock = 'm' }]", mine),
        ("name = 'mine'\napi = 'hlist'\nend = [{ lock = 'own' }, { unlock = 'own' }]", mine),
        ("name = 'mine'\nstart = [{ alloc = 'GFP_KERNEL | __GFP_ZORE' }]", mine),
        ("name = 'mine'\nlike = 'kvm'", "driver = 'mine'\nlock = 'm'"),
        ("name = 'mine'\nlike = 'pinned'", "driver = 'mine'\nlock = 'm'"),
        ("name = 'mine'\nlock_kind = 'rwlock'\nstart = []", "driver = 'mine'\nlock = 'm'"),
        (
            "name = 'mine'\nlock_kind = 'spinlock'\nstart = [{ lock = 'own', mode = 'read' }, { unlock = 'own' }]",
            mine,
        ),
        ("name = 'mine'\nfinish = [{ fails = 3 }]", mine),
        ("name = 'mine-6.1'\nstart = []", "driver = 'mine-6.1'"),
        ("name = 'mine'\nstart = [{ alloc = 'GFP_ATOMIC', order = 2, slab = true }]", mine),
        ("name = 'mine'\napi = 'secondary-tlb'\nmapped = 'on-fault'\nlucky = 5", mine),
    ];
    let told = rows.map(|(text, device)| {
        let errors = parse("t", &driver(text, device), &[]).expect_err("it is wrong");
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        format!("{}\n", errors.join("\n"))
    });
    expect![[r#"
        t.toml:8:8: taken `'spin'`: expected a name that no driver of the program has
        t.toml:9:8: unknown driver `'i915'`: expected one of secondary-tlb, spin, kvm, trylock, gpu-fence, always-refuse, sleeps-anyway, pinned, held-across, rdma-odp, i915-4.19, i915-5.4, i915-5.15, i915-6.12, xe-6.12, xe-7.1, …
        t.toml:10:9: `start` beside `like` `[]`: expected no `like`, and steps that say all
        t.toml:10:7: wrong value `'none'`: expected hlist or interval beside `like`
        t.toml:9:12: unknown step `wrok`: did you mean work?
        t.toml:9:10: two steps in one `{ work = '1ms', sleep = '1ms' }`: expected a table for each
        t.toml:9:19: unknown lock `'n'`: expected one of m and own
        t.toml:9:31: no lock for readers `'read'`: expected no mode, or a lock of kind = "rwsem" or "rwlock"
        t.toml:9:19: never let go `'own'`: expected an `unlock` of it here or in `end`
        t.toml:9:35: held already `'m'`: expected to let go of it before: the callback would wait for itself
        t.toml:9:21: not held `'own'`: expected a lock that was taken before
        t.toml:10:7: an end without a list `[{ unlock = 'own' }]`: expected api = "hlist": an interval hears of no end
        t.toml:10:8: `sleep` in `end` `{ sleep = '1ms' }`: expected lock, unlock, work, invalidation
        t.toml:9:9: an invalidation without end `[{ invalidation = 'begin' }]`: expected an `end` with { invalidation = "end" }
        t.toml:10:14: wrong value `false`: expected true: the core tests ranges for an interval
        t.toml:10:9: `start` without a callback `[]`: expected nothing: api = "none" has no such call
        t.toml:10:10: step of a TLB flush `{ sleep = '1ms' }`: expected one `work`: it runs under page-table locks
        t.toml:9:17: held already `'own'`: expected nothing: `map` is run under the driver's own lock
        t.toml:9:33: a lock that may fail `'trylock'`: expected `wait`: there is nobody who would be told
        t.toml:12:10: no worker `'mine'`: expected a `worker`, whom the driver's step `flush` or `queue` gives work
        t.toml:9:7: `gfp` of a driver with steps `'GFP_KERNEL'`: expected a step that says when, or `like`
        t.toml:13:8: `work` of a driver with steps `'1ms'`: expected nothing: the steps of its driver say it
        t.toml:12:10: unknown driver `'mien'`: did you mean mine?
        t.toml:13:10: `acts_on` of a driver that is not asked: mine `'mine'`: expected nothing, or a driver with a callback for ranges
        t.toml:13:7: an allocation that may sleep, under the spinlock of mine `'GFP_KERNEL'`: expected GFP_ATOMIC or GFP_NOWAIT, or a driver with a mutex
        t.toml:12:7: `gfp` of a driver that is not asked: secondary-tlb `'GFP_ATOMIC'`: expected nothing, or a driver with a callback for ranges
        t.toml:13:11: `acts_on` of a driver that is not asked: secondary-tlb `'unmap'`: expected nothing, or a driver with a callback for ranges
        t.toml:10:11: `acts_on` of a driver that is not asked `'unmap'`: expected nothing: with api = "secondary-tlb" there is no range to answer for
        t.toml:13:10: `acts_on` of a driver that is not asked: mine `'mine'`: expected nothing, or a driver with a callback for ranges
        t.toml:13:10: an allocation that may sleep, under the spinlock of mine `'mine'`: expected GFP_ATOMIC or GFP_NOWAIT, or a driver with a mutex
        t.toml:13:11: `acts_on` of a driver that is not asked: mine `'unmap'`: expected nothing, or a driver with a callback for ranges
        t.toml:14:7: no end `'interval'`: expected "hlist": an interval hears of no end, and its driver has one
        t.toml:12:27: taken twice `'own'`: expected each once: the worker would wait for itself
        t.toml:10:17: a lock that sleeps `'m'`: expected a lock of kind = "spinlock" or "rwlock": `end` is called by those who must not sleep, too
        t.toml:13:10: a lock that sleeps, taken in `end` `'mine'`: expected a lock of kind = "spinlock" or "rwlock": `end` is called by those who must not sleep, too
        t.toml:9:34: unknown GFP flag `__GFP_ZORE`: did you mean __GFP_ZERO or __GFP_COMP or __GFP_IO?
        t.toml:13:8: a lock that sleeps `'m'`: expected a lock of kind = "spinlock" or "rwlock", as its driver's is
        t.toml:13:8: `lock` of a driver that takes none: mine is a pinned `'m'`: expected no `lock`, or a driver whose steps (`start`) take it
        t.toml:14:8: a lock that sleeps `'m'`: expected a lock of kind = "spinlock" or "rwlock", as its driver's is
        t.toml:9:13: no lock for readers `'spinlock'`: expected "rwsem" or "rwlock": a step reads under it
        t.toml:9:11: `fails` in `finish` `{ fails = 3 }`: expected lock, unlock, work, alloc, hardware, sleep, fences, flush, queue, unpin, invalidation
        t.toml:8:8: unfit name `'mine-6.1'`: expected 1 to 32 letters, digits, hyphens or underscores
        t.toml:9:42: the slab allocator has no blocks of order 2 `2`: kmalloc() asks the page allocator for more than 2 pages: expected `order = 0` or `order = 1` beside `slab = true`
        t.toml:10:10: `mapped` of a driver that is not asked `'on-fault'`: expected nothing: with api = "secondary-tlb" nothing takes away what a device maps
        t.toml:11:9: `lucky` of a driver that is not asked `5`: expected nothing: with api = "secondary-tlb" there is no range to answer for
    "#]].assert_eq(&told.concat());
}

#[test]
fn real_drivers_can_be_named_and_changed() {
    let text = driver(
        "name = \"mine\"\nlike = \"amdkfd-svm-6.12\"\ntimeout = \"3s\"",
        "driver = \"mine\"\nfence = \"1ms\"",
    );
    let scenario = parse("t", &text, &[]).expect("good");
    let device = &scenario.devices[0];
    assert_eq!(device.driver, "mine");
    assert!(matches!(device.behaviour, Behaviour::Archetype("sleeps-anyway")));
    assert_eq!(device.timeout, Some(Nanos::from_secs(3)));
    assert_eq!(device.fence, Some(Distribution::new(Shape::Constant(Nanos::from_ms(1)))));
    let text = driver("name = \"mine\"\nstart = []", "driver = \"xe-7.1\"");
    let scenario = parse("t", &text, &[]).expect("good");
    let Behaviour::Steps(plan) = &scenario.devices[0].behaviour else { panic!("it has steps") };
    assert_eq!((plan.start.len(), plan.finish.len()), (2, 4));
}

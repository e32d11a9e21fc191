//! Shrinkers: reclaim asks drivers for what they can give back.
//!
//! Mirrors mm/vmscan.c: `shrink_slab()`, `do_shrink_slab()`, Linux 4.6 to
//! 7.1. Every device whose scenario gives it a shrinker has one from the
//! start, and is asked at each priority, in the order of devices, by
//! whoever reclaims: a process in the middle of an allocation, or kswapd.
//! Reclaim's rules hold for what it does: PF_MEMALLOC is set, and lockdep
//! knows of `fs_reclaim`. Left out: `count_objects()`, so that who has
//! nothing to give is asked all the same; `shrinker_rwsem`, which is only
//! tried; pages of a shrinker count as free when they are, not as reclaimed.

use super::cx::Cx;
use crate::base::DeviceId;
use crate::record::Func;

/// `shrink_slab()`: asks all of them; whether there are any.
pub(super) async fn shrink_slab(cx: &Cx) -> bool {
    let mut any = false;
    let count = cx.with(|state| state.devices.len());
    for device in (0..count).map(DeviceId::from_index) {
        let shrinker = cx.with(|state| state.devices[device].setup.shrinker.clone());
        if let Some(shrinker) = shrinker {
            let _in = cx.enter(Func::DoShrinkSlab);
            shrinker.scan_objects(cx, device).await;
            any = true;
        }
    }
    any
}

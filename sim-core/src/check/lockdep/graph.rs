//! Classes of locks, and which was taken under which.

use std::collections::VecDeque;

use crate::base::{DeviceId, LockId};
use crate::engine::Hold;
use crate::kernel::switches::WorkqueueClasses;
use crate::record::{Cast, ClassInfo, FakeMap, HeldLock, LockKind, Tracked};

/// The classes seen so far, and of which each lock is.
#[derive(Default)]
pub(super) struct Classes {
    /// What workqueues are called.
    workqueues: WorkqueueClasses,
    pub(super) infos: Vec<ClassInfo>,
    of_lock: Vec<Option<usize>>,
    of_map: [Option<usize>; FakeMap::ALL.len()],
}

impl Classes {
    pub(super) fn new(workqueues: WorkqueueClasses) -> Self {
        Self { workqueues, ..Self::default() }
    }

    pub(super) fn of(&mut self, what: Tracked, cast: &Cast) -> usize {
        match what {
            Tracked::Map(map) => self.of_map(map),
            Tracked::Workqueue(device) => {
                let module = module(device, cast);
                let name = match self.workqueues {
                    WorkqueueClasses::Source => format!("\"{module}\""),
                    WorkqueueClasses::Prefixed => format!("(wq_completion)\"{module}\""),
                    WorkqueueClasses::Named => format!("(wq_completion){module}"),
                };
                self.named(&name, None)
            }
            Tracked::Work(device) => {
                let is_bare = self.workqueues == WorkqueueClasses::Source;
                let prefix = if is_bare { "" } else { "(work_completion)" };
                self.named(&format!("{prefix}(&{}->work)", module(device, cast)), None)
            }
            Tracked::WorkqueueMutex(_) => self.named("&wq->mutex", Some(LockKind::Mutex)),
            Tracked::Lock(lock) => {
                let known = self.of_lock.get(lock.index()).copied().flatten();
                known.unwrap_or_else(|| self.meet(lock, cast))
            }
        }
    }

    pub(super) fn of_map(&mut self, map: FakeMap) -> usize {
        if let Some(class) = self.of_map[map as usize] {
            return class;
        }
        let class = self.named(map.text(), None);
        self.of_map[map as usize] = Some(class);
        class
    }

    /// `register_lock_class()`.
    #[cold]
    fn meet(&mut self, lock: LockId, cast: &Cast) -> usize {
        let info = cast.locks.get(lock);
        let name = info.map_or("a lock", |info| &info.class);
        let class = self.named(name, Some(info.map_or(LockKind::Mutex, |info| info.kind)));
        *super::slot(&mut self.of_lock, lock.index()) = Some(class);
        class
    }

    /// The class of this name, a new one if there is none.
    pub(super) fn named(&mut self, name: &str, kind: Option<LockKind>) -> usize {
        let known = self.infos.iter().position(|info| info.name == name && info.kind == kind);
        known.unwrap_or_else(|| {
            let name = name.to_owned();
            self.infos.push(ClassInfo { name, kind, written: false, read: false });
            self.infos.len() - 1
        })
    }

    /// `mark_usage()`.
    pub(super) fn used(&mut self, class: usize, hold: Hold) {
        let info = &mut self.infos[class];
        match hold {
            Hold::Shared => info.read = true,
            Hold::Exclusive => info.written = true,
        }
    }
}

/// The kernel module of a device's driver, after which its workqueue is called, too.
fn module(device: DeviceId, cast: &Cast) -> &str {
    cast.devices.get(device).map_or("a device", |info| &info.module)
}

/// Whether a lock is one that recursive readers take as this one does: they don't wait for
/// each other, so no deadlock leads from one to the next (`-(*R)-> -(S*)->`).
pub(super) fn reads_recursively(lock: &HeldLock) -> bool {
    lock.what == Tracked::Map(FakeMap::Srcu) && lock.hold == Hold::Shared
}

/// Which class was taken under which: by class, what was taken first under it.
#[derive(Default)]
pub(super) struct Graph {
    after: Vec<Vec<HeldLock>>,
}

impl Graph {
    fn after(&self, class: usize) -> &[HeldLock] {
        self.after.get(class).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether there is such an edge, or a stronger one.
    pub(super) fn has(&self, from: usize, to: &HeldLock) -> bool {
        let covers = |next: &HeldLock| !reads_recursively(next) || reads_recursively(to);
        self.after(from).iter().any(|next| next.class == to.class && covers(next))
    }

    /// `add_lock_to_list()`.
    pub(super) fn add(&mut self, from: usize, to: HeldLock) {
        if !self.has(from, &to) {
            let after = super::slot(&mut self.after, from);
            after.retain(|next| next.class != to.class);
            after.push(to);
        }
    }

    /// `__bfs_forwards()`: the shortest way, without its start; of several the one found first.
    /// It does not lead through recursive readers, under whom whatever comes is taken as a reader.
    pub(super) fn path(&self, from: usize, to: usize) -> Option<Vec<HeldLock>> {
        let mut reached: Vec<Option<(usize, HeldLock)>> = Vec::new();
        let mut next = VecDeque::from([from]);
        while let Some(class) = next.pop_front() {
            for &edge in self.after(class) {
                if reads_recursively(&edge) {
                    continue;
                }
                let seen = super::slot(&mut reached, edge.class);
                if seen.is_some() || edge.class == from {
                    continue;
                }
                *seen = Some((class, edge));
                if edge.class == to {
                    return Some(walk_back(&reached, from, to));
                }
                next.push_back(edge.class);
            }
        }
        None
    }
}

fn walk_back(reached: &[Option<(usize, HeldLock)>], from: usize, to: usize) -> Vec<HeldLock> {
    let mut path = Vec::new();
    let mut at = to;
    while at != from {
        let (before, edge) = reached[at].expect("invariant: the search came this way");
        path.push(edge);
        at = before;
    }
    path.reverse();
    path
}

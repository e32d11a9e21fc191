//! The machines that `scale` runs, as scenario text.
//!
//! Apart from it, so that a test can see that they still are scenarios.

use std::fmt::Write as _;

/// Tasks that each give a device a job every so often: about seven
/// events a job, for as long as it lasts.
pub(crate) fn steady(tasks: u32, ms: u64) -> String {
    let mut text = format!(
        "schema = 1\ntitle = \"steady\"\nkernel = \"6.1\"\nhorizon = \"{ms}ms\"\n\
         [machine]\nram = \"4GiB\"\ncpus = 4\n"
    );
    for task in 0..tasks {
        let _ = write!(
            text,
            "[[device]]\nname = \"gpu{task}\"\ndriver = \"gpu-fence\"\nfence = \"300us\"\n",
        );
        if task == 31 {
            break;
        }
    }
    for task in 0..tasks {
        let gpu = task % 32;
        let every = 50 * u64::from(tasks);
        let _ = write!(
            text,
            "[[task]]\nname = \"t{task}\"\nstart = \"{task}us\"\nprogram = [{{ mmap = \"a\", \
             size = \"64KiB\" }}, {{ register = \"gpu{gpu}\", region = \"a\" }}, {{ touch = \"a\" }}, \
             {{ submit = \"gpu{gpu}\", region = \"a\", \
             every = \"{every}us\" }}]\n"
        );
    }
    text
}

/// Five hundred tasks that together want more than 64 GiB.
pub(crate) fn large() -> String {
    let mut text = "schema = 1\ntitle = \"large\"\nkernel = \"6.1\"\nhorizon = \"30s\"\n\
         [machine]\nram = \"64GiB\"\ncpus = 32\n"
        .to_owned();
    for task in 0..500 {
        let size = 100 + task % 7 * 16;
        let _ = write!(
            text,
            "[[task]]\nname = \"t{task}\"\nstart = \"{task}ms\"\nprogram = [{{ mmap = \"a\", \
             size = \"{size}MiB\" }}, {{ touch = \"a\", rate = \"60MiB/s\" }}, {{ idle = true }}]\n"
        );
    }
    text
}

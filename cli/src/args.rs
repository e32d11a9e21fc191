//! What can be typed. Values are checked here as far as one can without
//! knowing any scenario; clap answers the rest with exit code 2.

mod values;

use std::ops::Range;
use std::path::PathBuf;

use crate::commands::trial::verdict;
use clap::{Args, Parser, Subcommand, ValueEnum};
use sim_core::analysis::Verdict;
use sim_core::base::{Nanos, SimTime};
use sim_core::experiment::path_and_value;
use sim_core::scenario::{Fork, TieOrder};
pub(crate) use values::Stretch;
use values::{instant, reseed, seconds, seed_range, shard, stretch, view};

/// The largest seed: what a JavaScript number holds exactly.
pub(crate) const SEED_MAX: u64 = (1 << 53) - 1;

/// What a newcomer needs besides: the words, and where to begin.
const AFTER_HELP: &str = "\
Words:
  scenario  a machine, its drivers, and what its tasks do; those of the gallery have ids
  seed      what all chance in a run is drawn from: the same seed, the same run
  policy    what the OOM reaper does about drivers that watch the victim's memory (MMU notifiers)
  verdict   how a run ended, such as recovered or deadlock
  link      a run as a text: whoever opens it in the page, or gives it to a command, has the same

Begin with:
  reaperscope list                               what is in the gallery
  reaperscope run gpu-fence-overlap              one run of it, told
  reaperscope compare gpu-fence-overlap          the same under every policy
  reaperscope import dmesg.txt --out mine.toml   a scenario of a log of your own";

/// Simulates Linux's OOM killer, OOM reaper and MMU notifiers, reproducibly.
#[derive(Debug, Parser)]
#[command(name = "reaperscope", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists what there is to choose from
    List(ListArgs),
    /// Runs a scenario and tells what happened
    Run(RunArgs),
    /// Runs a scenario under every policy, or some, and shows them side by side
    Compare(CompareArgs),
    /// Makes a scenario of traces and logs of a real kernel
    Import(ImportArgs),
    /// Prints a scenario as a file, with everything that was chosen for it
    Export(ExportArgs),
    /// Runs a scenario under many seeds, policies and values; writes a row per run
    Sweep(SweepArgs),
    /// Puts the files of a sweep's shards together
    Merge(MergeArgs),
    /// Looks for runs that show a verdict, and counts them
    Explore(ExploreArgs),
    /// Makes a scenario as small as it may be while a run of it keeps its verdict
    Shrink(ShrinkArgs),
    /// Tells from which moment of a run on a verdict is likely
    Rewind(RewindArgs),
    /// Makes one document of runs for a patch thread or a design review
    Review(ReviewArgs),
    /// Runs a scenario and prints the link that reproduces it
    Link(LinkArgs),
    /// Recomputes the run of a link and compares digests
    Verify(VerifyArgs),
    /// Checks lessons: their form, and every claim against the simulator
    Lesson {
        /// Files (`.md`), or names of lessons that come with the program
        #[arg(required = true, value_name = "LESSON")]
        lessons: Vec<String>,
    },
    /// Prints the JSON Schema of scenario files
    Schema,
    /// Serves the page to browsers on this machine
    Serve(ServeArgs),
}

/// A help text that ends in what may be said.
fn among_verdicts(what: &str) -> String {
    format!("{what}: {}", Verdict::ALL.map(Verdict::id).join(", "))
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// What to list
    #[arg(value_enum, default_value_t = Listed::Scenarios)]
    pub(crate) what: Listed,
    /// How to print it
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(crate) format: ListFormat,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum Listed {
    Scenarios,
    Policies,
    Drivers,
    Profiles,
    Checkers,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum ListFormat {
    Text,
    Json,
}

/// A scenario and what may be chosen for a run of it.
#[derive(Debug, Args)]
pub(crate) struct ChoiceArgs {
    /// Gallery id, path of a scenario file, or link
    pub(crate) scenario: String,
    /// Seed, 0 to 2^53-1 [default: the link's, or 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(0..=SEED_MAX))]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) variant: VariantArgs,
    /// Checkers to run, with commas between: see `list checkers` [default: the link's, or none]
    #[arg(long = "check", value_name = "ID,…", value_delimiter = ',')]
    pub(crate) checks: Vec<String>,
    /// Changes something at an instant: 1132.096ms:policy=ID, or kill=TASK, end=TASK (what it waits
    /// for), delay=TASK+TIME, reseed=NUMBER, ties=NUMBER (the order of simultaneous events from then on),
    /// preempt=CPU+TIME; with 1132.096ms/N: after N records
    #[arg(long = "fork", value_name = "TIME:CHOICE", value_parser = str::parse::<Fork>)]
    pub(crate) forks: Vec<Fork>,
    /// Draws other numbers from an instant on: short for --fork TIME:reseed=NUMBER
    #[arg(long = "reseed", value_name = "TIME:NUMBER", value_parser = reseed)]
    pub(crate) reseeds: Vec<Fork>,
}

/// One kernel with one policy, the order of ties, and values.
#[derive(Clone, Debug, Args)]
pub(crate) struct VariantArgs {
    /// Kernel profile, such as 6.1 [default: the scenario's]
    #[arg(long, value_name = "V")]
    pub(crate) kernel: Option<String>,
    /// Notifier policy [default: the scenario's, or else the kernel's own]
    #[arg(long, value_name = "ID")]
    pub(crate) policy: Option<String>,
    /// Order of simultaneous events: as scheduled, or drawn from the seed
    #[arg(long, value_enum, default_value_t = TiesArg::Fifo)]
    pub(crate) ties: TiesArg,
    /// Overrides a value of the scenario: task.hog.oom_score_adj=0
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = path_and_value)]
    pub(crate) sets: Vec<(String, String)>,
}

/// Kernels and policies to run side by side, and what is the same for all of them.
#[derive(Debug, Args)]
pub(crate) struct CasesArgs {
    /// Notifier policies, separated by commas [default: the link's; else all, or with several
    /// kernels each kernel's own]
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    pub(crate) policy: Vec<String>,
    /// Kernel profiles, separated by commas [default: the scenario's]
    #[arg(long, value_name = "V,W,…", value_delimiter = ',')]
    pub(crate) kernel: Vec<String>,
    /// Seed of the runs that are shown, 0 to 2^53-1 [default: the link's, or 1]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(0..=SEED_MAX))]
    pub(crate) seed: Option<u64>,
    /// Order of simultaneous events: as scheduled, or drawn from the seed
    #[arg(long, value_enum, default_value_t = TiesArg::Fifo)]
    pub(crate) ties: TiesArg,
    /// Values of each scenario; of several, each is run with each of the others:
    /// machine.lock_op_cost=0ns,recorded
    #[arg(long = "set", value_name = "PATH=V,W,…", value_parser = path_and_value)]
    pub(crate) sets: Vec<(String, String)>,
    /// Runs at a time [default: one per CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
}

#[derive(Copy, Clone, Eq, PartialEq, Debug, ValueEnum)]
pub(crate) enum TiesArg {
    Fifo,
    Seeded,
}

impl From<TiesArg> for TieOrder {
    fn from(ties: TiesArg) -> Self {
        match ties {
            TiesArg::Fifo => Self::Fifo,
            TiesArg::Seeded => Self::Seeded,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// What to print
    #[arg(long, value_enum, default_value_t = RunFormat::Summary)]
    pub(crate) format: RunFormat,
    /// Seeds to count over besides, for the summary: from A up to B, without B
    #[arg(long, value_name = "A..B", value_parser = seed_range)]
    pub(crate) seeds: Option<Range<u64>>,
    /// An instant, such as 1132.096ms: summary and json tell who waits for whom then, with call
    /// stacks; dot draws it [default for dot and --task: the run's end]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<SimTime>,
    /// Tasks whose wait chains are told, with commas between [default: all that wait]
    #[arg(long = "task", value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) tasks: Vec<String>,
    /// Summary and json tell the critical path of an interval, such as 3s..4.5s, and what it is
    /// to be blamed on [without a value: from the first kill to recovery]
    #[arg(long, value_name = "FROM..TO", num_args = 0..=1, require_equals = true,
          default_missing_value = "recovery", value_parser = stretch)]
    pub(crate) blame: Option<Stretch>,
    /// The part that `--format svg` and `png` draw, such as 3s..4.5s [default: the link's, or all]
    #[arg(long, value_name = "FROM..TO", value_parser = view)]
    pub(crate) view: Option<(Nanos, Nanos)>,
    /// Writes to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Gallery id, path of a scenario file, or link
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) cases: CasesArgs,
    /// Seeds to count over besides: from A up to B, without B
    #[arg(long, value_name = "A..B", value_parser = seed_range)]
    pub(crate) seeds: Option<Range<u64>>,
    /// Checkers to run besides lockdep, with commas between: see `list checkers`
    #[arg(long = "check", value_name = "ID,…", value_delimiter = ',')]
    pub(crate) checks: Vec<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = CompareFormat::Summary)]
    pub(crate) format: CompareFormat,
    /// Writes to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum CompareFormat {
    /// Tables for people
    Summary,
    /// One JSON object
    Json,
    /// The timelines under one another
    Svg,
    /// The same in pixels
    Png,
    /// One file with matrix, timelines and differences
    Html,
}

#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// Gallery ids, paths of scenario files, or links
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<String>,
    #[command(flatten)]
    pub(crate) cases: CasesArgs,
    /// Seeds to count over: from A up to B, without B
    #[arg(long, value_name = "A..B", value_parser = seed_range, default_value = "0..100")]
    pub(crate) seeds: Range<u64>,
    /// A file ending in .md or .html, or a directory for both [default: Markdown on stdout]
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum RunFormat {
    /// For people
    Summary,
    /// One JSON object
    Json,
    /// Trace text as the kernel prints it
    Ftrace,
    /// The same as a file of trace-cmd's, for trace-cmd report and KernelShark
    TraceDat,
    /// Log text as the kernel prints it
    Dmesg,
    /// Chrome's trace events, for Perfetto and speedscope
    Chrome,
    /// One line per record
    Csv,
    /// The timeline as a picture
    Svg,
    /// The same in pixels
    Png,
    /// What lock debugging and the hung-task detector report, as the kernel prints it; turns lockdep on
    Lockdep,
    /// Who waits for whom at an instant (--at), for Graphviz
    Dot,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    /// Writes to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// ftrace text and kernel logs, .gz too, or a directory with trace* and dmesg*
    #[arg(required = true, value_name = "CAPTURE")]
    pub(crate) captures: Vec<PathBuf>,
    /// Writes the scenario to a file instead of stdout
    #[arg(long, value_name = "SCENARIO")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// Gallery id, path of a scenario file, or link
    pub(crate) scenario: String,
    /// Seeds: from A up to B, without B
    #[arg(long, value_name = "A..B", value_parser = seed_range)]
    pub(crate) seeds: Range<u64>,
    /// Notifier policies, separated by commas [default: the scenario's, or else the kernel's own]
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    pub(crate) policy: Vec<String>,
    /// Kernel profiles, separated by commas [default: the scenario's]
    #[arg(long, value_name = "V,W,…", value_delimiter = ',')]
    pub(crate) kernel: Vec<String>,
    /// Values of the scenario to try, each with each of the others: machine.ram=1GiB,2GiB
    #[arg(long = "set", value_name = "PATH=V,W,…", value_parser = path_and_value)]
    pub(crate) sets: Vec<(String, String)>,
    /// Order of simultaneous events: as scheduled, or drawn from the seed
    #[arg(long, value_enum, default_value_t = TiesArg::Fifo)]
    pub(crate) ties: TiesArg,
    /// Checkers to run, with commas between: see `list checkers` [default: the link's, or none]
    #[arg(long = "check", value_name = "ID,…", value_delimiter = ',')]
    pub(crate) checks: Vec<String>,
    /// Runs at a time [default: one per CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Makes only the I-th of N parts of the runs, I from 0
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<Shard>,
    /// Goes on with an interrupted sweep; begins it if there is none
    #[arg(long)]
    pub(crate) resume: bool,
    /// Where the rows go: Parquet, or CSV if it ends in .csv
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// One of several parts of a sweep.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) struct Shard {
    /// Which, from 0.
    pub(crate) index: u64,
    /// Of how many; at least 1.
    pub(crate) count: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ExploreArgs {
    /// Gallery id, path of a scenario file, or link
    pub(crate) scenario: String,
    #[arg(long, value_name = "VERDICT", value_parser = verdict, help = among_verdicts("The verdict to look for"))]
    pub(crate) until: Verdict,
    /// Seeds to try: from A up to B, without B
    #[arg(long, value_name = "A..B", value_parser = seed_range, default_value = "0..1000")]
    pub(crate) seeds: Range<u64>,
    /// Most runs of the guided search, if no seed shows it [default: as many as seeds, or, with --time, until that is
    /// over]
    #[arg(long, value_name = "N")]
    pub(crate) guided: Option<u64>,
    /// Stops after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) time: Option<u64>,
    /// Keeps what was found in this file, and goes on from it
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) variant: VariantArgs,
    /// Runs at a time [default: one per CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// What to print
    #[arg(long, value_enum, default_value_t = SummaryFormat::Summary)]
    pub(crate) format: SummaryFormat,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum SummaryFormat {
    /// For people
    Summary,
    /// One JSON object
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct RewindArgs {
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    #[arg(long, value_name = "VERDICT", value_parser = verdict, help = among_verdicts("The verdict whose likelihood is told"))]
    pub(crate) until: Verdict,
    /// Moments, evenly over the run
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) points: u64,
    /// Runs from each moment
    #[arg(long, value_name = "M", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) times: u64,
    /// Runs at a time [default: one per CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// What to print
    #[arg(long, value_enum, default_value_t = CurveFormat::Summary)]
    pub(crate) format: CurveFormat,
    /// Writes to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Copy, Clone, Debug, ValueEnum)]
pub(crate) enum CurveFormat {
    /// For people
    Summary,
    /// One JSON object
    Json,
    /// A line per moment
    Csv,
    /// A picture
    Svg,
    /// The same in pixels
    Png,
}

#[derive(Debug, Args)]
pub(crate) struct ShrinkArgs {
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    #[arg(long, value_name = "VERDICT", value_parser = verdict, help = among_verdicts("The verdict that the run must keep"))]
    pub(crate) keep: Verdict,
    /// Stops after so many seconds, with the smallest found by then
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) time: Option<u64>,
    /// Writes the scenario to a file; what became of it goes to stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The Parquet files of all shards, in any order
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Where the rows go: Parquet, or CSV if it ends in .csv
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Port to listen on; 0 takes any that is free
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A link: the fragment, or a whole URL
    pub(crate) link: String,
}

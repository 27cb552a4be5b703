//! What a change needs from owners, as a value that can be shown: who, for which paths, by which line. It decides nothing.

/// What a change needs, and what of that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approval {
    /// Everything that is needed; nothing where nobody must be asked.
    pub demands: Vec<Demand>,
    /// The approvals that count for nothing, each with why.
    pub void: Vec<(String, String)>,
}

impl Approval {
    /// Tells whether nothing is missing.
    pub fn is_approved(&self) -> bool {
        self.demands.iter().all(Demand::is_met)
    }

    /// Returns what is not approved yet.
    pub fn missing(&self) -> impl Iterator<Item = &Demand> {
        self.demands.iter().filter(|demand| !demand.is_met())
    }
}

/// Approvals that are needed for some paths, from any of some owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Why it is needed.
    pub why: Why,
    /// The paths that it is about, in order.
    pub paths: Vec<AskedPath>,
    /// Whose approval counts: `@user`, `@organisation/team` or a mail address; nobody for [`Why::Nobody`].
    pub owners: Vec<String>,
    /// How many must approve.
    pub needed: u32,
    /// Who did, and counts.
    pub by: Vec<String>,
    /// How many are missing.
    pub missing: u32,
}

impl Demand {
    /// Tells whether nothing is missing.
    pub fn is_met(&self) -> bool {
        self.missing == 0
    }
}

/// Why approvals are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// A line of CODEOWNERS names owners.
    Owners,
    /// Nobody owns it, or the line that was meant for it is skipped: the settings name who is asked instead.
    Fallback,
    /// The change breaks those who use an item.
    Breaking,
    /// Nobody owns it, and the settings name nobody to ask instead: nobody can approve it.
    Nobody,
}

/// A path, and the line that asks for its owners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPath {
    /// The path.
    pub path: String,
    /// The line's number in the CODEOWNERS file of the base, and its pattern.
    pub line: Option<(u32, String)>,
}

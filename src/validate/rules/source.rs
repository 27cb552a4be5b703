//! `source/…`: what cannot be taken in from a repository or directory. It is found while reading; these rows explain.

use crate::finding::Severity;
use crate::validate::registry::{Check, Rule};

pub(super) static RULES: [Rule; 6] = [
    Rule {
        id: "source/unreadable",
        severity: Severity::Error,
        summary: "A file or folder cannot be read.",
        why: "Nobody can say what stands in it; until then nothing that is missing is deleted.",
        mend: "Give the program the right to read it.",
        bad: "services/payments without permission to read",
        good: "services/payments that can be read",
        check: Check::Reader,
    },
    Rule {
        id: "source/too-large",
        severity: Severity::Error,
        summary: "A file is larger than the limit.",
        why: "A limit keeps hostile files from costing memory.",
        mend: "Split the file.",
        bad: "a document of 400 MB",
        good: "documents of a few KB",
        check: Check::Reader,
    },
    Rule {
        id: "source/symlink",
        severity: Severity::Error,
        summary: "A symbolic link stands in a folder of the catalog.",
        why: "A link can lead out of the repository; it is never followed.",
        mend: "Put the file itself there.",
        bad: "services/payments/db.yaml → ../../secret",
        good: "services/payments/db.yaml as a file",
        check: Check::Reader,
    },
    Rule {
        id: "source/submodule",
        severity: Severity::Error,
        summary: "A submodule stands in a folder of the catalog.",
        why: "What stands in it is not part of the commit.",
        mend: "Put the documents themselves there.",
        bad: "services/payments as a submodule",
        good: "services/payments as a folder",
        check: Check::Reader,
    },
    Rule {
        id: "source/lfs-pointer",
        severity: Severity::Error,
        summary: "A document is stored with Git LFS.",
        why: "The commit holds a pointer and not the document.",
        mend: "Take the path out of `.gitattributes` and commit the document itself.",
        bad: "*.yaml filter=lfs",
        good: "*.png filter=lfs",
        check: Check::Reader,
    },
    Rule {
        id: "source/hostile-name",
        severity: Severity::Error,
        summary: "A name leads out of the repository, cannot be shown, or collides with another.",
        why: "Such names make one path mean two things.",
        mend: "Rename it.",
        bad: "services/Payments beside services/payments",
        good: "services/payments",
        check: Check::Reader,
    },
];

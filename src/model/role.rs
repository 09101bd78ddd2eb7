use serde::{Deserialize, Serialize};

/// What a key may do. One key has one role; `api` holds the table of what each may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Nobody in particular: released figures only. Requests without a key.
    Public,
    /// A machine that sends events.
    Ingest,
    /// An official, usually of certain areas.
    Official,
    /// The second person: approves marks and publishes zones that somebody else wrote.
    Approver,
    /// Reads exact figures everywhere.
    Analyst,
    /// Registers areas and venues; may do what officials, analysts and machines may.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Public,
        Self::Ingest,
        Self::Official,
        Self::Approver,
        Self::Analyst,
        Self::Admin,
    ];

    /// The name used in data and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Ingest => "ingest",
            Self::Official => "official",
            Self::Approver => "approver",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }

    /// The role with that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

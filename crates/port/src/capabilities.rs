//! What a transport can do and tell.

/// What a transport can do and tell. The default is a store of our own: everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether one lead can be asked for by uid.
    pub get: bool,
    /// Whether an add may lack the metadata that the older wire requires: of a call its parties, moment and service
    /// code, of a form its id and page (R4).
    pub takes_partial_metadata: bool,
    /// Whether leads can be linked.
    pub link: bool,
    /// Whether lists can be filtered by uid.
    pub list_by_uid: bool,
    /// Whether lists can be ordered by the moment of the last update.
    pub order_by_updated_at: bool,
    /// Whether summaries can be filtered by uid.
    pub summary_by_uid: bool,
    /// Whether summaries can be filtered by pipeline.
    pub summary_by_pipeline: bool,
    /// Whether summaries tell how many were declined.
    pub tells_declined: bool,
    /// Whether summaries tell how many were linked.
    pub tells_linked: bool,
    /// Whether lists can tell the bodies of leads, contacts and companies.
    pub tells_cards: bool,
    /// Whether lists tell the ids of entities, the pipeline and the source's uid.
    pub tells_ids: bool,
    /// Whether lists tell the moment of the last update.
    pub tells_updated_at: bool,
    /// Whether lists tell if a page follows.
    pub tells_more: bool,
}

impl Default for Capabilities {
    /// Everything: a store of our own.
    fn default() -> Self {
        Self::ALL
    }
}

impl Capabilities {
    /// Everything.
    pub const ALL: Capabilities = Capabilities {
        get: true,
        takes_partial_metadata: true,
        link: true,
        list_by_uid: true,
        order_by_updated_at: true,
        summary_by_uid: true,
        summary_by_pipeline: true,
        tells_declined: true,
        tells_linked: true,
        tells_cards: true,
        tells_ids: true,
        tells_updated_at: true,
        tells_more: true,
    };
}

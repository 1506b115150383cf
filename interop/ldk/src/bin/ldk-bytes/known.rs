//! Where LDK and Doze differ on purpose. vectors/async/README.md says the same in words.

/// File, case and what differs, each with * for any text; then why.
const KNOWN: &[(&str, &str, &str, &str)] = &[
    ("conversation-*", "* init *", OTHER, "features below 13 stand in LDK's globalfeatures, too"),
    ("conversation-draft.json", "*", UNKNOWN, "the draft's hold flag and release paths"),
    ("onion-message-contents.json", "*_draft*", "refused: *", "the draft's numbers and bodies without a length"),
    ("onion-message-contents.json", "*_odd_record*", OTHER, "what LDK does not know it does not keep"),
    ("onion-message-contents.json", "*_behind_it", OTHER, "what LDK does not know it does not keep"),
    ("payer-checks.json", "several_parts_compulsory_ldk", "accepted", "LDK pays in several parts"),
    ("payer-checks.json", "*_draft", "refused: *", "the draft's number of the message paths"),
    ("peer-messages.json", "update_add_htlc_*odd_record", OTHER, "what LDK does not know it does not keep"),
    ("peer-messages.json", "update_add_htlc_without_hold", OTHER, FILLER),
    ("peer-messages.json", "update_add_htlc_hold_ldk*", OTHER, FILLER),
    ("peer-messages.json", "*_draft*", UNKNOWN, "the draft's hold flag and release paths"),
    ("peer-messages.json", "update_add_htlc_hold_in_both_forms*", UNKNOWN, "the draft's hold flag"),
    ("peer-messages.json", "revoke_and_ack_ldk_empty_list", OTHER, "LDK leaves an empty list out"),
    ("static-invoice-draft.json", "*", "refused: *", "the draft's number of the message paths"),
    ("static-invoice-ldk.json", "offer_feature_unknown", "accepted", LATER),
    ("static-invoice-ldk.json", "invoice_feature_unknown", "accepted", LATER),
    ("static-invoice-ldk.json", "only_payment_path_asks_for_an_unknown_feature", "accepted", LATER),
    ("static-invoice-ldk.json", "message_paths_empty", "accepted", "LDK asks for a path where it uses one"),
    ("static-invoice-ldk.json", "offer_paths_empty", "accepted", "LDK asks for a path where it uses one"),
];
const OTHER: &str = "writes other bytes";
const UNKNOWN: &str = "refused: UnknownRequiredFeature";
const FILLER: &str = "the onion in it is filler, and LDK writes a key that is no point as zeros";
const LATER: &str = "LDK looks at features when it pays, not when it reads";

pub struct Differences {
    used: Vec<bool>,
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((beginning, rest)) => {
            text.starts_with(beginning)
                && (beginning.len()..=text.len()).any(|at| text.get(at..).is_some_and(|t| fits(rest, t)))
        }
    }
}

impl Differences {
    pub fn new() -> Self {
        Self { used: vec![false; KNOWN.len()] }
    }
    pub fn has(&mut self, file: &str, case: &str, what: &str) -> bool {
        let found = KNOWN.iter().position(|(f, c, w, _)| fits(f, file) && fits(c, case) && fits(w, what));
        if let Some(at) = found {
            self.used[at] = true;
        }
        found.is_some()
    }
    pub fn unused(&self) -> Vec<String> {
        let unused = KNOWN.iter().zip(&self.used).filter(|(_, used)| !**used);
        unused.map(|((file, case, what, _), _)| format!("{file}: {case}: {what}")).collect()
    }
}

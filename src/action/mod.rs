//! What each action type does.

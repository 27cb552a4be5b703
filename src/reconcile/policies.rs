//! What becomes of policies, windows and words of people in a plan: tests only.

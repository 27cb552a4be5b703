//! What a run is: steps, events, next state.

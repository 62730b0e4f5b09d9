"""The screens of the application, each with its style sheet beside it."""

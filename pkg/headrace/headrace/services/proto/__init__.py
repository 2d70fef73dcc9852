"""The messages of the results service, compiled from the `.proto` files beside this one by `make proto`."""

"""What may be asked: create, stop, change, copy, delete. Services check, write intent and hint the loop; they never act."""

"""The reasons for which an import drops a word, and what its user can do about each."""

from raygroup.words.labels import LONGEST

NO_TEXT = "no text"
DONT_CARE = "don't-care mark"
CONTROL = "control character in the text"
TOO_LONG = f"longer than {LONGEST} characters"
NO_TASK = "no character of any task"
REPEATED = "same image and text again"
CONTRADICTED = "one image with two texts, tasks or splits"
MISSING = "image missing"
UNREADABLE = "image unreadable"

LEFT_OUT = (DONT_CARE, REPEATED)
"""Reasons by which no word is lost. The makers of a data set ask for the first, and of repeated rows one is kept."""

ADVICE = {
    NO_TEXT: "fill in the texts or delete the rows",
    CONTROL: "remove these characters",
    TOO_LONG: "cut such images into words",
    NO_TASK: "name their tasks in a column 'task', or in words.tasks",
    CONTRADICTED: "keep one row for each image",
    MISSING: "give paths relative to the label file",
    UNREADABLE: "save the images anew",
}
"""What to do about the words that are lost."""

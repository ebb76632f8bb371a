# Pages in a browser.
package Pages;
use strict;
use warnings;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use Exporter 'import';

our @EXPORT = qw(seen_page page_is_good);
my $folder = PostgreSQL::Test::Utils::tempdir();

# What the browser saw of a page that should show the texts.
sub seen_page
{
	my ($name, $html, @texts) = @_;
	my $file = "$folder/$name.html";

	open my $out, '>:raw', $file or die "$file: $!";
	print $out $html;
	close $out;
	my $answer = '';
	IPC::Run::run([ '/usr/bin/python3', 'test/page.py', $file, map { ('--text', $_) } @texts ], '>', \$answer);
	return decode_json($answer);
}

# It shows them, tells the console nothing, asks for nothing, runs nothing, and fits.
sub page_is_good
{
	my ($name, $html, @texts) = @_;
	my $seen = seen_page($name, $html, @texts);

	is_deeply($seen->{$_}, [], "$name: no $_") for qw(console requests scripts missing);
	for my $size (@{ $seen->{sizes} })
	{
		my $where = join ' ', grep { defined } $size->{width}, $size->{scheme};
		cmp_ok($size->{scroll}, '<=', $size->{client}, "$name: fits, $where");
		is_deeply($size->{beyond}, [], "$name: nothing reaches beyond it, $where");
	}
	return;
}

1;

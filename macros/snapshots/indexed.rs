#[allow(clippy::all, clippy::pedantic, missing_debug_implementations, non_camel_case_types, private_interfaces)]
#[allow(unreachable_pub, unused)]
const _: () = {
    pub struct __BusinessFields<T: 'static, __M: 'static, __P: ::fastness::__private::index::At> {
        pub created_at: ::fastness::__private::index::Path<
            __M,
            DateTime,
            ::fastness::__private::index::In<__P, Business<T>, 0usize>,
        >,
        pub is_active:
            ::fastness::__private::index::Path<__M, bool, ::fastness::__private::index::In<__P, Business<T>, 1usize>>,
        pub subscription:
            ::fastness::__private::index::Path<__M, T, ::fastness::__private::index::In<__P, Business<T>, 2usize>>,
        pub email:
            ::fastness::__private::index::Path<__M, String, ::fastness::__private::index::In<__P, Business<T>, 3usize>>,
        pub metadata: ::fastness::__private::index::Path<
            __M,
            Document,
            ::fastness::__private::index::In<__P, Business<T>, 4usize>,
        >,
    }
    impl<T: 'static, __M: 'static, __P: ::fastness::__private::index::At> ::fastness::__private::index::FieldSet
        for __BusinessFields<T, __M, __P>
    {
        const ALL: &'static Self = &__BusinessFields {
            created_at: ::fastness::__private::index::Path::NEW,
            is_active: ::fastness::__private::index::Path::NEW,
            subscription: ::fastness::__private::index::Path::NEW,
            email: ::fastness::__private::index::Path::NEW,
            metadata: ::fastness::__private::index::Path::NEW,
        };
    }
    impl<T: 'static> ::fastness::__private::index::Nested for Business<T> {
        type Fields<__M: 'static, __P: ::fastness::__private::index::At> = __BusinessFields<T, __M, __P>;
    }
    impl<T: 'static> ::fastness::__private::index::Segments for Business<T> {
        const SEGMENTS: &'static [::fastness::__private::index::Segment] = {
            use ::fastness::__private::index::Unknown as _;
            &[
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::Some("createdAt"),
                    array: ::fastness::__private::index::Ask::<DateTime>::ARRAY,
                    holds: ::fastness::__private::index::Ask::<DateTime>::HOLDS,
                },
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::Some("isActive"),
                    array: ::fastness::__private::index::Ask::<bool>::ARRAY,
                    holds: ::fastness::__private::index::Ask::<bool>::HOLDS,
                },
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::None,
                    array: ::fastness::__private::index::Ask::<T>::ARRAY,
                    holds: ::fastness::__private::index::Ask::<T>::HOLDS,
                },
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::Some("email"),
                    array: ::fastness::__private::index::Ask::<String>::ARRAY,
                    holds: ::fastness::__private::index::Ask::<String>::HOLDS,
                },
                ::fastness::__private::index::Segment {
                    name: ::core::option::Option::Some("metadata"),
                    array: ::fastness::__private::index::Ask::<Document>::ARRAY,
                    holds: ::fastness::__private::index::Ask::<Document>::HOLDS,
                },
            ]
        };
    }
    impl<T: 'static> ::fastness::__private::index::Indexed for Business<T> {
        const COLLECTION: &'static str = "businesses";
        const INDEXES: &'static [::fastness::__private::index::Declaration] = {
            let __root = ::fastness::__private::index::root::<Self>();
            ::fastness::__private::index::date(&__root.created_at);
            let __at0 = ::fastness::__private::index::steps(&__root.created_at);
            let __at1 = ::fastness::__private::index::steps(&__root.email);
            let __at2 = ::fastness::__private::index::steps(&__root.metadata);
            let __at3 =
                ::fastness::__private::index::steps(&::fastness::__private::index::below(&__root.subscription).plan);
            let __at4 = ::fastness::__private::index::steps(&__root.is_active);
            ::fastness::__private::index::arrays(&[
                (::fastness::__private::index::Kind::Ascending, __at3),
                (::fastness::__private::index::Kind::Descending, __at4),
            ]);
            let __at5 = ::fastness::__private::index::steps(&__root.is_active);
            ::fastness::__private::index::compares(__at5, &[::fastness::__private::index::Literal::Bool(true)]);
            &[
                ::fastness::__private::index::Declaration {
                    fields: &[::fastness::__private::index::field(
                        __at0,
                        ::fastness::__private::index::Kind::Descending,
                    )],
                    expire_after: ::core::option::Option::Some(3600u32),
                    ..::fastness::__private::index::Declaration::PLAIN
                },
                ::fastness::__private::index::Declaration {
                    fields: &[::fastness::__private::index::field(
                        __at1,
                        ::fastness::__private::index::Kind::Ascending,
                    )],
                    unique: true,
                    sparse: true,
                    ..::fastness::__private::index::Declaration::PLAIN
                },
                ::fastness::__private::index::Declaration {
                    fields: &[::fastness::__private::index::field(__at2, ::fastness::__private::index::Kind::Wildcard)],
                    ..::fastness::__private::index::Declaration::PLAIN
                },
                ::fastness::__private::index::Declaration {
                    fields: &[
                        ::fastness::__private::index::field(__at3, ::fastness::__private::index::Kind::Ascending),
                        ::fastness::__private::index::field(__at4, ::fastness::__private::index::Kind::Descending),
                    ],
                    partial: &[::fastness::__private::index::Condition {
                        path: __at5.names(),
                        operator: ::fastness::__private::index::Operator::Equal(
                            ::fastness::__private::index::Literal::Bool(true),
                        ),
                    }],
                    ..::fastness::__private::index::Declaration::PLAIN
                },
            ]
        };
    }
};
